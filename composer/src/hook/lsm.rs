//! Hooks of the Linux security modules: for the whole machine, or for a cgroup.

use super::{
    AttachBtf, HostKind, KeySpec, Lookup, Mechanism, Need, Returns, TargetKey, Template, Values,
    cgroup,
    order::{CGROUP_AFTER_KEY, CGROUP_BEFORE_KEY, CGROUP_ORDER_KEY},
    trampoline::{self, AT_FUNCTION},
};
use crate::{
    object::{AttachType, ProgramKind, ProgramType},
    profile::Presence,
};

pub(super) static LSM: HostKind = AT_HOOK;

const AT_HOOK: HostKind = HostKind {
    name: "lsm",
    summary: "A hook of the Linux security modules, which may deny the operation.",
    program: ProgramKind::Lsm,
    program_type: ProgramType::Lsm,
    section: "lsm",
    expected_attach_type: |_| Some(AttachType::LsmMac),
    mechanism: |_| Mechanism::AsLoaded(AttachType::LsmMac),
    attach_btf: |attach| Some(AttachBtf::Function(format!("bpf_lsm_{}", attach.target))),
    not_replaceable: None,
    returns: |attach| lsm_results(&attach?.target),
    target: TargetKey {
        what: "an LSM hook",
        example: "file_open",
        parts: &["name"],
        ..AT_FUNCTION.target
    },
    lookup: Some(Lookup {
        what: "LSM hook",
        presence: |name, _, targets| match targets.function(&format!("bpf_lsm_{name}")) {
            Presence::Missing => Presence::Missing,
            _ => Presence::There,
        },
        near: |name, targets| {
            let near = targets.near_function(&format!("bpf_lsm_{name}"))?;
            near.strip_prefix("bpf_lsm_").map(str::to_owned)
        },
        help: "Write the name of a hook as in include/linux/lsm_hook_defs.h: file_open, \
               bprm_check_security, socket_connect.",
        arguments: None,
    }),
    template: Template {
        program: include_str!("templates/lsm.bpf.c"),
        elsewhere: Some(include_str!("templates/lsm_elsewhere.bpf.c")),
        target: "file_open",
        stub: "verdict",
        ..AT_FUNCTION.template
    },
    source: (
        "int BPF_PROG(f, ..., ret)",
        "the hook's arguments, followed by the result so far; it returns 0, or an error number \
         such as -EPERM to deny the operation",
    ),
    ..AT_FUNCTION
};

pub(super) static LSM_CGROUP: HostKind = HostKind {
    name: "lsm_cgroup",
    summary: "A hook of the Linux security modules, for the sockets and processes of a cgroup.",
    section: "lsm_cgroup",
    expected_attach_type: |_| Some(AttachType::LsmCgroup),
    returns: |attach| match attach {
        Some(attach) if WITHOUT_RESULT.contains(&attach.target.as_str()) => Some(&cgroup::ONE),
        _ => Some(&cgroup::TO_ONE),
    },
    replacement_returns: Some(&cgroup::TO_ONE),
    target: TargetKey { example: "socket_bind", ..AT_HOOK.target },
    settings: &[
        KeySpec {
            key: CGROUP,
            what: "a cgroup",
            doc: "The cgroup, by the absolute path of its folder.",
            values: Values::RequiredText("/sys/fs/cgroup"),
            excludes: &[],
            need: |_| None,
        },
        CGROUP_ORDER_KEY,
        CGROUP_BEFORE_KEY,
        CGROUP_AFTER_KEY,
    ],
    mechanism: |attach| {
        let path = attach.text(CGROUP).unwrap_or_default();
        cgroup::link(attach, path, AttachType::LsmCgroup)
    },
    needs: &[&CGROUP_LINKS],
    refused: |refused| match refused.call {
        "find attach target" => trampoline::refused(refused),
        _ => cgroup::refused_at(refused, refused.attach.text(CGROUP)?),
    },
    template: Template {
        program: include_str!("templates/lsm_cgroup.bpf.c"),
        elsewhere: Some(include_str!("templates/lsm_cgroup_elsewhere.bpf.c")),
        target: "socket_sendmsg",
        traffic: "ping -c 1 127.0.0.1",
        since: Some("6.0"),
        ..AT_HOOK.template
    },
    source: (
        "int BPF_PROG(f, ...)",
        "the hook's arguments; 1 allows the operation, 0 fails it with EPERM",
    ),
    ..AT_HOOK
};

const CGROUP: &str = "cgroup";

static CGROUP_LINKS: Need = Need {
    what: "LSM hooks of cgroups",
    label: "is attached at an LSM hook of a cgroup",
    help: "Use Linux 6.0 or later, built with CONFIG_BPF_LSM and CONFIG_CGROUP_BPF.",
    lacks: |profile| !profile.features.lsm_cgroup,
};

/// What a program at an LSM hook may return: an error number or 0, at some hooks a truth value.
/// `bpf_lsm_get_retval_range`,
/// <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/bpf_lsm.c>. At a hook without a result,
/// anything.
fn lsm_results(hook: &str) -> Option<&'static Returns> {
    match hook {
        hook if WITHOUT_RESULT.contains(&hook) => None,
        "xfrm_state_pol_flow_match" | "audit_rule_known" | "inode_xattr_skipcap" => Some(&TRUTH),
        _ => Some(&ERROR),
    }
}

static ERROR: Returns = Returns {
    least: -4095,
    most: 0,
    help: "Return 0 to allow the operation, or a negative error number such as -EPERM to deny it.",
    refused_by: Some(|profile| profile.features.lsm_results),
};

static TRUTH: Returns = Returns {
    least: 0,
    most: 1,
    help: "Return 0 or 1.",
    refused_by: Some(|profile| profile.features.lsm_results),
};

/// The LSM hooks that return nothing, on any kernel known here. A kernel test compares them with the
/// kernel's types.
const WITHOUT_RESULT: &[&str] = &[
    "audit_rule_free",
    "backing_file_free",
    "bdev_free_security",
    "bpf_map_free",
    "bpf_map_free_security",
    "bpf_prog_free",
    "bpf_prog_free_security",
    "bpf_token_free",
    "bprm_committed_creds",
    "bprm_committing_creds",
    "cred_free",
    "cred_getlsmprop",
    "cred_getsecid",
    "cred_transfer",
    "current_getlsmprop_subj",
    "current_getsecid_subj",
    "d_instantiate",
    "file_free_security",
    "file_release",
    "file_set_fowner",
    "ib_free_security",
    "inet_conn_established",
    "inet_csk_clone",
    "initramfs_populated",
    "inode_free_security",
    "inode_free_security_rcu",
    "inode_getlsmprop",
    "inode_getsecid",
    "inode_invalidate_secctx",
    "inode_post_create_tmpfile",
    "inode_post_remove_acl",
    "inode_post_removexattr",
    "inode_post_set_acl",
    "inode_post_setattr",
    "inode_post_setxattr",
    "ipc_getlsmprop",
    "ipc_getsecid",
    "key_free",
    "key_post_create_or_update",
    "msg_msg_free_security",
    "msg_queue_free_security",
    "path_post_mknod",
    "perf_event_free",
    "release_secctx",
    "req_classify_flow",
    "sb_delete",
    "sb_free_mnt_opts",
    "sb_free_security",
    "sctp_sk_clone",
    "secmark_refcount_dec",
    "secmark_refcount_inc",
    "sem_free_security",
    "shm_free_security",
    "sk_clone_security",
    "sk_free_security",
    "sk_getsecid",
    "sock_graft",
    "task_free",
    "task_getlsmprop_obj",
    "task_getsecid_obj",
    "task_getsecid_subj",
    "task_to_inode",
    "tun_dev_free_security",
    "xfrm_policy_free_security",
    "xfrm_state_free",
    "xfrm_state_free_security",
];
