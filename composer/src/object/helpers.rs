//! The kernel's helpers: numbers, names, and facts that are the same on every kernel.
//!
//! The only table of helpers. Facts that differ between kernels (which program types may call a
//! helper, and under which licence) are measured and are part of profiles only:
//! [`Profile`](crate::profile::Profile).

use std::{collections::HashMap, sync::OnceLock};

use Gives::{Cpu, Nothing, Number, Room, Status, Value};

/// A function of the kernel that programs call by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Helper {
    /// Its number in `enum bpf_func_id`,
    /// <https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/bpf.h>.
    pub id: u32,
    /// Its name, as one calls it in C.
    pub name: &'static str,
    /// The result in r0.
    pub gives: Gives,
    /// Whether it changes packet data, so that pointers into the packet are no longer good:
    /// `bpf_helper_changes_pkt_data`,
    /// <https://github.com/torvalds/linux/blob/v6.13/net/core/filter.c>. A program called at the
    /// tail may do any of it.
    pub moves_packet_data: bool,
    /// Whether it takes memory in r1, and never NULL: `arg1_type` of its `struct bpf_func_proto`.
    pub takes_memory: bool,
    /// Where it writes a number of any value: the register with the address, and how many bytes.
    pub writes: Option<(usize, WriteSize)>,
    /// Whether it writes a line to the kernel's trace, by the format in r1.
    pub prints: bool,
    /// What it changes beyond the program's own memory and maps.
    pub changes: Option<Change>,
    /// Whether clang may count on it to leave r1 to r5 as they are: `allow_fastcall`,
    /// <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>.
    pub keeps_registers: bool,
}

/// The result of a helper in r0, as far as it is known: `ret_type` of its `struct bpf_func_proto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gives {
    /// Any number at all: times, random numbers, identities.
    Number,
    /// 0, or an error.
    Status,
    /// The number of this CPU, which may always be 0; newer kernels know where it ends.
    Cpu,
    /// A value of a map, or NULL. Newer kernels know that some look-ups in arrays always succeed.
    Value,
    /// Room in a ring buffer, or NULL.
    Room,
    /// Nothing at all, which the verifier does not let be read.
    Nothing,
    /// Something that nothing is claimed of.
    Unclear,
}

/// How many bytes a helper writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteSize {
    /// The number in this register.
    In(usize),
    /// This number.
    Are(u8),
}

/// What a helper can change in the system, by what its comment in the header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// The bytes of packets and messages, or how long they are.
    Packets,
    /// Where a packet or message goes.
    Path,
    /// What a function of the kernel, or a system call, returns.
    Results,
    /// The memory of a process.
    Memory,
    /// Processes, by signals.
    Signals,
    /// Sockets: their options, addresses, and which of them gets a packet.
    Sockets,
    /// The value that is written to a sysctl.
    Sysctls,
    /// Keys that a remote control sends.
    Keys,
    /// How a program is executed.
    Programs,
    /// Other eBPF programs and maps, by bpf(2).
    Bpf,
}

impl Change {
    /// What is changed, as a noun in the plural.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Packets => "packets",
            Self::Path => "destinations of packets",
            Self::Results => "results of kernel functions",
            Self::Memory => "memory of processes",
            Self::Signals => "signals",
            Self::Sockets => "sockets",
            Self::Sysctls => "sysctls",
            Self::Keys => "keys",
            Self::Programs => "executed programs",
            Self::Bpf => "eBPF programs and maps",
        }
    }
}

impl Helper {
    const fn new(id: u32, name: &'static str) -> Self {
        Self {
            id,
            name,
            gives: Gives::Unclear,
            moves_packet_data: false,
            takes_memory: false,
            writes: None,
            prints: false,
            changes: None,
            keeps_registers: false,
        }
    }

    const fn gives(self, gives: Gives) -> Self {
        Self { gives, ..self }
    }

    const fn moves_packet_data(self) -> Self {
        Self { moves_packet_data: true, ..self }
    }

    const fn takes_memory(self) -> Self {
        Self { takes_memory: true, ..self }
    }

    const fn writes(self, register: usize, bytes: WriteSize) -> Self {
        Self { writes: Some((register, bytes)), ..self }
    }

    const fn prints(self) -> Self {
        Self { prints: true, ..self }
    }

    const fn changes(self, what: Change) -> Self {
        Self { changes: Some(what), ..self }
    }

    const fn keeps_registers(self) -> Self {
        Self { keeps_registers: true, ..self }
    }
}

/// `bpf_tail_call`, which goes on in another program.
pub const TAIL_CALL: u32 = 12;

/// Every helper, in the order of their numbers, from 1. No more are added; newer kernels offer
/// kfuncs instead.
static HELPERS: [Helper; 211] = [
    Helper::new(1, "bpf_map_lookup_elem").gives(Value),
    Helper::new(2, "bpf_map_update_elem").gives(Status),
    Helper::new(3, "bpf_map_delete_elem").gives(Status),
    Helper::new(4, "bpf_probe_read").gives(Status).takes_memory().writes(1, WriteSize::In(2)),
    Helper::new(5, "bpf_ktime_get_ns").gives(Number),
    Helper::new(6, "bpf_trace_printk").prints(),
    Helper::new(7, "bpf_get_prandom_u32").gives(Number),
    Helper::new(8, "bpf_get_smp_processor_id").gives(Cpu).keeps_registers(),
    Helper::new(9, "bpf_skb_store_bytes")
        .gives(Status)
        .moves_packet_data()
        .changes(Change::Packets),
    Helper::new(10, "bpf_l3_csum_replace")
        .gives(Status)
        .moves_packet_data()
        .changes(Change::Packets),
    Helper::new(11, "bpf_l4_csum_replace")
        .gives(Status)
        .moves_packet_data()
        .changes(Change::Packets),
    Helper::new(12, "bpf_tail_call").gives(Nothing).moves_packet_data(),
    Helper::new(13, "bpf_clone_redirect").gives(Status).moves_packet_data().changes(Change::Path),
    Helper::new(14, "bpf_get_current_pid_tgid").gives(Number),
    Helper::new(15, "bpf_get_current_uid_gid").gives(Number),
    Helper::new(16, "bpf_get_current_comm").gives(Status).takes_memory(),
    Helper::new(17, "bpf_get_cgroup_classid"),
    Helper::new(18, "bpf_skb_vlan_push").gives(Status).moves_packet_data().changes(Change::Packets),
    Helper::new(19, "bpf_skb_vlan_pop").gives(Status).moves_packet_data().changes(Change::Packets),
    Helper::new(20, "bpf_skb_get_tunnel_key"),
    Helper::new(21, "bpf_skb_set_tunnel_key").gives(Status).changes(Change::Packets),
    Helper::new(22, "bpf_perf_event_read"),
    Helper::new(23, "bpf_redirect").changes(Change::Path),
    Helper::new(24, "bpf_get_route_realm"),
    Helper::new(25, "bpf_perf_event_output").gives(Status),
    Helper::new(26, "bpf_skb_load_bytes").gives(Status),
    Helper::new(27, "bpf_get_stackid"),
    Helper::new(28, "bpf_csum_diff"),
    Helper::new(29, "bpf_skb_get_tunnel_opt"),
    Helper::new(30, "bpf_skb_set_tunnel_opt").changes(Change::Packets),
    Helper::new(31, "bpf_skb_change_proto")
        .gives(Status)
        .moves_packet_data()
        .changes(Change::Packets),
    Helper::new(32, "bpf_skb_change_type").changes(Change::Packets),
    Helper::new(33, "bpf_skb_under_cgroup"),
    Helper::new(34, "bpf_get_hash_recalc"),
    Helper::new(35, "bpf_get_current_task").gives(Number),
    Helper::new(36, "bpf_probe_write_user").gives(Status).changes(Change::Memory),
    Helper::new(37, "bpf_current_task_under_cgroup"),
    Helper::new(38, "bpf_skb_change_tail")
        .gives(Status)
        .moves_packet_data()
        .changes(Change::Packets),
    Helper::new(39, "bpf_skb_pull_data").gives(Status).moves_packet_data(),
    Helper::new(40, "bpf_csum_update"),
    Helper::new(41, "bpf_set_hash_invalid"),
    Helper::new(42, "bpf_get_numa_node_id"),
    Helper::new(43, "bpf_skb_change_head")
        .gives(Status)
        .moves_packet_data()
        .changes(Change::Packets),
    Helper::new(44, "bpf_xdp_adjust_head")
        .gives(Status)
        .moves_packet_data()
        .changes(Change::Packets),
    Helper::new(45, "bpf_probe_read_str").takes_memory(),
    Helper::new(46, "bpf_get_socket_cookie"),
    Helper::new(47, "bpf_get_socket_uid"),
    Helper::new(48, "bpf_set_hash"),
    Helper::new(49, "bpf_setsockopt").changes(Change::Sockets),
    Helper::new(50, "bpf_skb_adjust_room")
        .gives(Status)
        .moves_packet_data()
        .changes(Change::Packets),
    Helper::new(51, "bpf_redirect_map").changes(Change::Path),
    Helper::new(52, "bpf_sk_redirect_map").changes(Change::Path),
    Helper::new(53, "bpf_sock_map_update").changes(Change::Sockets),
    Helper::new(54, "bpf_xdp_adjust_meta")
        .gives(Status)
        .moves_packet_data()
        .changes(Change::Packets),
    Helper::new(55, "bpf_perf_event_read_value"),
    Helper::new(56, "bpf_perf_prog_read_value"),
    Helper::new(57, "bpf_getsockopt"),
    Helper::new(58, "bpf_override_return").changes(Change::Results),
    Helper::new(59, "bpf_sock_ops_cb_flags_set").changes(Change::Sockets),
    Helper::new(60, "bpf_msg_redirect_map").changes(Change::Path),
    Helper::new(61, "bpf_msg_apply_bytes"),
    Helper::new(62, "bpf_msg_cork_bytes"),
    Helper::new(63, "bpf_msg_pull_data").moves_packet_data(),
    Helper::new(64, "bpf_bind").changes(Change::Sockets),
    Helper::new(65, "bpf_xdp_adjust_tail")
        .gives(Status)
        .moves_packet_data()
        .changes(Change::Packets),
    Helper::new(66, "bpf_skb_get_xfrm_state"),
    Helper::new(67, "bpf_get_stack"),
    Helper::new(68, "bpf_skb_load_bytes_relative"),
    Helper::new(69, "bpf_fib_lookup"),
    Helper::new(70, "bpf_sock_hash_update").changes(Change::Sockets),
    Helper::new(71, "bpf_msg_redirect_hash").changes(Change::Path),
    Helper::new(72, "bpf_sk_redirect_hash").changes(Change::Path),
    Helper::new(73, "bpf_lwt_push_encap").moves_packet_data().changes(Change::Packets),
    Helper::new(74, "bpf_lwt_seg6_store_bytes").moves_packet_data().changes(Change::Packets),
    Helper::new(75, "bpf_lwt_seg6_adjust_srh").moves_packet_data().changes(Change::Packets),
    Helper::new(76, "bpf_lwt_seg6_action").moves_packet_data().changes(Change::Packets),
    Helper::new(77, "bpf_rc_repeat").changes(Change::Keys),
    Helper::new(78, "bpf_rc_keydown").changes(Change::Keys),
    Helper::new(79, "bpf_skb_cgroup_id"),
    Helper::new(80, "bpf_get_current_cgroup_id").gives(Number),
    Helper::new(81, "bpf_get_local_storage"),
    Helper::new(82, "bpf_sk_select_reuseport").changes(Change::Sockets),
    Helper::new(83, "bpf_skb_ancestor_cgroup_id"),
    Helper::new(84, "bpf_sk_lookup_tcp"),
    Helper::new(85, "bpf_sk_lookup_udp"),
    Helper::new(86, "bpf_sk_release"),
    Helper::new(87, "bpf_map_push_elem").gives(Status),
    Helper::new(88, "bpf_map_pop_elem").gives(Status),
    Helper::new(89, "bpf_map_peek_elem").gives(Status),
    Helper::new(90, "bpf_msg_push_data").moves_packet_data().changes(Change::Packets),
    Helper::new(91, "bpf_msg_pop_data").moves_packet_data().changes(Change::Packets),
    Helper::new(92, "bpf_rc_pointer_rel").changes(Change::Keys),
    Helper::new(93, "bpf_spin_lock"),
    Helper::new(94, "bpf_spin_unlock"),
    Helper::new(95, "bpf_sk_fullsock"),
    Helper::new(96, "bpf_tcp_sock"),
    Helper::new(97, "bpf_skb_ecn_set_ce").changes(Change::Packets),
    Helper::new(98, "bpf_get_listener_sock"),
    Helper::new(99, "bpf_skc_lookup_tcp"),
    Helper::new(100, "bpf_tcp_check_syncookie"),
    Helper::new(101, "bpf_sysctl_get_name"),
    Helper::new(102, "bpf_sysctl_get_current_value"),
    Helper::new(103, "bpf_sysctl_get_new_value"),
    Helper::new(104, "bpf_sysctl_set_new_value").changes(Change::Sysctls),
    Helper::new(105, "bpf_strtol"),
    Helper::new(106, "bpf_strtoul"),
    Helper::new(107, "bpf_sk_storage_get"),
    Helper::new(108, "bpf_sk_storage_delete"),
    Helper::new(109, "bpf_send_signal").changes(Change::Signals),
    Helper::new(110, "bpf_tcp_gen_syncookie"),
    Helper::new(111, "bpf_skb_output"),
    Helper::new(112, "bpf_probe_read_user")
        .gives(Status)
        .takes_memory()
        .writes(1, WriteSize::In(2)),
    Helper::new(113, "bpf_probe_read_kernel")
        .gives(Status)
        .takes_memory()
        .writes(1, WriteSize::In(2)),
    Helper::new(114, "bpf_probe_read_user_str").takes_memory(),
    Helper::new(115, "bpf_probe_read_kernel_str").takes_memory(),
    Helper::new(116, "bpf_tcp_send_ack").changes(Change::Sockets),
    Helper::new(117, "bpf_send_signal_thread").changes(Change::Signals),
    Helper::new(118, "bpf_jiffies64"),
    Helper::new(119, "bpf_read_branch_records"),
    Helper::new(120, "bpf_get_ns_current_pid_tgid"),
    Helper::new(121, "bpf_xdp_output"),
    Helper::new(122, "bpf_get_netns_cookie"),
    Helper::new(123, "bpf_get_current_ancestor_cgroup_id"),
    Helper::new(124, "bpf_sk_assign").changes(Change::Sockets),
    Helper::new(125, "bpf_ktime_get_boot_ns").gives(Number),
    Helper::new(126, "bpf_seq_printf"),
    Helper::new(127, "bpf_seq_write"),
    Helper::new(128, "bpf_sk_cgroup_id"),
    Helper::new(129, "bpf_sk_ancestor_cgroup_id"),
    Helper::new(130, "bpf_ringbuf_output").gives(Status),
    Helper::new(131, "bpf_ringbuf_reserve").gives(Room),
    Helper::new(132, "bpf_ringbuf_submit").gives(Nothing).takes_memory(),
    Helper::new(133, "bpf_ringbuf_discard").gives(Nothing).takes_memory(),
    Helper::new(134, "bpf_ringbuf_query"),
    Helper::new(135, "bpf_csum_level"),
    Helper::new(136, "bpf_skc_to_tcp6_sock"),
    Helper::new(137, "bpf_skc_to_tcp_sock"),
    Helper::new(138, "bpf_skc_to_tcp_timewait_sock"),
    Helper::new(139, "bpf_skc_to_tcp_request_sock"),
    Helper::new(140, "bpf_skc_to_udp6_sock"),
    Helper::new(141, "bpf_get_task_stack"),
    Helper::new(142, "bpf_load_hdr_opt"),
    Helper::new(143, "bpf_store_hdr_opt").moves_packet_data().changes(Change::Packets),
    Helper::new(144, "bpf_reserve_hdr_opt").changes(Change::Packets),
    Helper::new(145, "bpf_inode_storage_get"),
    Helper::new(146, "bpf_inode_storage_delete"),
    Helper::new(147, "bpf_d_path"),
    Helper::new(148, "bpf_copy_from_user"),
    Helper::new(149, "bpf_snprintf_btf"),
    Helper::new(150, "bpf_seq_printf_btf"),
    Helper::new(151, "bpf_skb_cgroup_classid"),
    Helper::new(152, "bpf_redirect_neigh").changes(Change::Path),
    Helper::new(153, "bpf_per_cpu_ptr"),
    Helper::new(154, "bpf_this_cpu_ptr"),
    Helper::new(155, "bpf_redirect_peer").changes(Change::Path),
    Helper::new(156, "bpf_task_storage_get"),
    Helper::new(157, "bpf_task_storage_delete"),
    Helper::new(158, "bpf_get_current_task_btf"),
    Helper::new(159, "bpf_bprm_opts_set").changes(Change::Programs),
    Helper::new(160, "bpf_ktime_get_coarse_ns").gives(Number),
    Helper::new(161, "bpf_ima_inode_hash"),
    Helper::new(162, "bpf_sock_from_file"),
    Helper::new(163, "bpf_check_mtu"),
    Helper::new(164, "bpf_for_each_map_elem"),
    Helper::new(165, "bpf_snprintf"),
    Helper::new(166, "bpf_sys_bpf").changes(Change::Bpf),
    Helper::new(167, "bpf_btf_find_by_name_kind"),
    Helper::new(168, "bpf_sys_close").changes(Change::Bpf),
    Helper::new(169, "bpf_timer_init"),
    Helper::new(170, "bpf_timer_set_callback"),
    Helper::new(171, "bpf_timer_start"),
    Helper::new(172, "bpf_timer_cancel"),
    Helper::new(173, "bpf_get_func_ip"),
    Helper::new(174, "bpf_get_attach_cookie"),
    Helper::new(175, "bpf_task_pt_regs"),
    Helper::new(176, "bpf_get_branch_snapshot"),
    Helper::new(177, "bpf_trace_vprintk").prints(),
    Helper::new(178, "bpf_skc_to_unix_sock"),
    Helper::new(179, "bpf_kallsyms_lookup_name"),
    Helper::new(180, "bpf_find_vma"),
    Helper::new(181, "bpf_loop"),
    Helper::new(182, "bpf_strncmp"),
    Helper::new(183, "bpf_get_func_arg").writes(3, WriteSize::Are(8)),
    Helper::new(184, "bpf_get_func_ret").writes(2, WriteSize::Are(8)),
    Helper::new(185, "bpf_get_func_arg_cnt"),
    Helper::new(186, "bpf_get_retval"),
    Helper::new(187, "bpf_set_retval").changes(Change::Results),
    Helper::new(188, "bpf_xdp_get_buff_len"),
    Helper::new(189, "bpf_xdp_load_bytes"),
    Helper::new(190, "bpf_xdp_store_bytes").changes(Change::Packets),
    Helper::new(191, "bpf_copy_from_user_task"),
    Helper::new(192, "bpf_skb_set_tstamp").changes(Change::Packets),
    Helper::new(193, "bpf_ima_file_hash"),
    Helper::new(194, "bpf_kptr_xchg"),
    Helper::new(195, "bpf_map_lookup_percpu_elem"),
    Helper::new(196, "bpf_skc_to_mptcp_sock"),
    Helper::new(197, "bpf_dynptr_from_mem"),
    Helper::new(198, "bpf_ringbuf_reserve_dynptr"),
    Helper::new(199, "bpf_ringbuf_submit_dynptr"),
    Helper::new(200, "bpf_ringbuf_discard_dynptr"),
    Helper::new(201, "bpf_dynptr_read"),
    Helper::new(202, "bpf_dynptr_write"),
    Helper::new(203, "bpf_dynptr_data"),
    Helper::new(204, "bpf_tcp_raw_gen_syncookie_ipv4"),
    Helper::new(205, "bpf_tcp_raw_gen_syncookie_ipv6"),
    Helper::new(206, "bpf_tcp_raw_check_syncookie_ipv4"),
    Helper::new(207, "bpf_tcp_raw_check_syncookie_ipv6"),
    Helper::new(208, "bpf_ktime_get_tai_ns"),
    Helper::new(209, "bpf_user_ringbuf_drain"),
    Helper::new(210, "bpf_cgrp_storage_get"),
    Helper::new(211, "bpf_cgrp_storage_delete"),
];

/// The helper with this number.
#[must_use]
pub fn helper(id: u32) -> Option<&'static Helper> {
    HELPERS.get(usize::try_from(id.checked_sub(1)?).ok()?)
}

/// The helper called `name`.
#[must_use]
pub fn helper_called(name: &str) -> Option<&'static Helper> {
    static NAMED: OnceLock<HashMap<&str, &Helper>> = OnceLock::new();
    NAMED.get_or_init(|| HELPERS.iter().map(|one| (one.name, one)).collect()).get(name).copied()
}

/// Every helper that is known here.
pub fn helpers() -> impl Iterator<Item = &'static Helper> {
    HELPERS.iter()
}

#[cfg(test)]
mod tests {
    use super::{Change, TAIL_CALL, helper, helper_called, helpers};

    #[test]
    fn numbers_are_those_of_the_kernels_header() {
        for (number, name) in [
            (1, "bpf_map_lookup_elem"),
            (TAIL_CALL, "bpf_tail_call"),
            (16, "bpf_get_current_comm"),
            (131, "bpf_ringbuf_reserve"),
            (183, "bpf_get_func_arg"),
            (211, "bpf_cgrp_storage_delete"),
        ] {
            assert_eq!(helper(number).map(|it| (it.id, it.name)), Some((number, name)));
            assert_eq!(helper_called(name), helper(number));
        }
        assert_eq!([0, 212, u32::MAX].map(helper), [None; 3]);
        let ids: Vec<u32> = helpers().map(|it| it.id).collect();
        assert_eq!(ids, (1..=211).collect::<Vec<_>>());
    }

    #[test]
    fn what_goes_by_the_context_of_a_packet_is_not_all_that_moves_one() {
        let moving: Vec<u32> =
            helpers().filter(|it| it.moves_packet_data).map(|it| it.id).collect();
        assert_eq!(moving.len(), 23);
        assert!([TAIL_CALL, 44, 54, 65].iter().all(|id| moving.contains(id)));
    }

    #[test]
    fn what_moves_packets_changes_them_but_for_what_only_makes_them_readable() {
        let harmless = ["bpf_tail_call", "bpf_skb_pull_data", "bpf_msg_pull_data"];
        for helper in helpers().filter(|it| it.moves_packet_data && !harmless.contains(&it.name)) {
            let changes = matches!(helper.changes, Some(Change::Packets | Change::Path));
            assert!(changes, "{}", helper.name);
        }
    }
}
