//! Programs that are loaded for one function or tracepoint of the kernel, by its BTF: fentry, fexit,
//! fmod_ret, tp_btf and lsm. They read their arguments by type, without helpers.

use super::{
    AttachBtf, HostKind, Lookup, Mechanism, Refusal, Refused, Returns, TargetKey, Template,
};
use crate::{
    object::{AttachType, ProgramKind, ProgramType},
    profile::Presence,
};

const AT_FUNCTION: HostKind = HostKind {
    name: "fentry",
    aliases: &[],
    summary: "A kernel function, at its entry, with typed arguments.",
    program: ProgramKind::Fentry,
    program_type: ProgramType::Tracing,
    section: "fentry",
    expected_attach_type: |_| Some(AttachType::TraceFentry),
    attach_btf: |attach| Some(AttachBtf::Function(attach.target.clone())),
    not_replaceable: Some("Cannot extend fentry/fexit"),
    has_task: true,
    verdicts: &[],
    returns: |_| Some(&ZERO),
    replacement_returns: None,
    target: TargetKey {
        what: "a kernel function",
        form: None,
        example: "tcp_connect",
        parts: &["function"],
        pattern: None,
        read: TargetKey::as_it_is,
    },
    settings: &[],
    mechanism: |_| Mechanism::AsLoaded,
    needs: &[],
    modules: &[],
    exclusive: None,
    lookup: Some(Lookup {
        what: "function",
        // What cannot be probed, or is named like another function, is for the kernel's BTF to say.
        presence: |function, _, targets| match targets.function(function) {
            Presence::Missing => Presence::Missing,
            _ => Presence::There,
        },
        near: |function, targets| targets.near_function(function),
        help: "The function may be inlined or renamed. `bpftool btf dump file \
               /sys/kernel/btf/vmlinux` lists the functions with their types.",
        arguments: None,
    }),
    refused,
    template: Template {
        program: include_str!("templates/fentry.bpf.c"),
        target: "kernel_clone",
        elsewhere: None,
        stub: "wanted",
        traffic: "true",
        since: None,
    },
    source: (
        "int BPF_PROG(f, ...)",
        "the function's arguments by their types; kernel structs are read by field",
    ),
};

pub(super) static FENTRY: HostKind = AT_FUNCTION;

pub(super) static FEXIT: HostKind = HostKind {
    name: "fexit",
    summary: "A kernel function, at its return, with typed arguments and result.",
    program: ProgramKind::Fexit,
    section: "fexit",
    expected_attach_type: |_| Some(AttachType::TraceFexit),
    template: Template { program: include_str!("templates/fexit.bpf.c"), ..AT_FUNCTION.template },
    source: ("int BPF_PROG(f, ..., ret)", "the function's arguments, followed by its result"),
    ..AT_FUNCTION
};

pub(super) static FMOD_RET: HostKind = HostKind {
    name: "fmod_ret",
    summary: "A kernel function that allows it, before its entry; a result other than 0 takes the \
              place of the function.",
    program: ProgramKind::FmodRet,
    section: "fmod_ret",
    expected_attach_type: |_| Some(AttachType::ModifyReturn),
    not_replaceable: None,
    returns: |_| None,
    template: Template {
        program: include_str!("templates/fmod_ret.bpf.c"),
        elsewhere: Some(include_str!("templates/fmod_ret_elsewhere.bpf.c")),
        target: "security_file_open",
        stub: "verdict",
        ..AT_FUNCTION.template
    },
    target: TargetKey { example: "security_file_open", ..AT_FUNCTION.target },
    source: (
        "int BPF_PROG(f, ..., ret)",
        "the function's arguments; it returns 0, or an error number to fail the call with",
    ),
    ..AT_FUNCTION
};

pub(super) static TP_BTF: HostKind = HostKind {
    name: "tp_btf",
    summary: "A raw tracepoint, with typed arguments.",
    program: ProgramKind::TpBtf,
    section: "tp_btf",
    expected_attach_type: |_| Some(AttachType::TraceRawTp),
    attach_btf: |attach| Some(AttachBtf::Typedef(format!("btf_trace_{}", attach.target))),
    not_replaceable: None,
    returns: |_| None,
    target: TargetKey {
        what: "a raw tracepoint",
        example: "sched_process_exec",
        parts: &["name"],
        ..AT_FUNCTION.target
    },
    lookup: Some(Lookup {
        what: "raw tracepoint",
        presence: |name, _, targets| targets.raw_tracepoint(name),
        near: |name, targets| targets.near_raw_tracepoint(name),
        help: "Write a raw tracepoint without its category: sched_process_exec.",
        arguments: None,
    }),
    template: Template {
        program: include_str!("templates/tp_btf.bpf.c"),
        elsewhere: Some(include_str!("templates/tp_btf_elsewhere.bpf.c")),
        target: "sched_process_exec",
        ..AT_FUNCTION.template
    },
    source: ("int BPF_PROG(f, ...)", "the tracepoint's arguments by their types"),
    ..AT_FUNCTION
};

pub(super) static LSM: HostKind = HostKind {
    name: "lsm",
    summary: "A hook of the Linux security modules, which may deny the operation.",
    program: ProgramKind::Lsm,
    program_type: ProgramType::Lsm,
    section: "lsm",
    expected_attach_type: |_| Some(AttachType::LsmMac),
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

static ZERO: Returns = Returns { least: 0, most: 0, help: "Return 0.", refused_by: None };

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

fn refused(refused: &Refused<'_>) -> Option<Refusal> {
    let target = &refused.attach.target;
    let what = refused.attach.kind.target.what;
    (refused.errno == "ENOENT").then(|| {
        Refusal::no_target(
            format!("{what} `{target}` not found in the kernel's BTF"),
            refused.or_near("Check the name, and whether its module is built in.".to_owned()),
        )
    })
}
