// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Programs for places without links, which loaders of others attach: an action of traffic control, operations of
// TCP's congestion control; and one in a table whose keys are any numbers.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("action")
int as_action(struct __sk_buff *ctx)
{
	return -1; /* TC_ACT_UNSPEC */
}

struct sock;

/* Those members that are needed; libbpf finds the kernel's by their names. */
struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
};

SEC("struct_ops/congestion_ssthresh")
__u32 congestion_ssthresh(__u64 *ctx)
{
	return 2;
}

SEC("struct_ops/congestion_avoid")
void congestion_avoid(__u64 *ctx)
{
}

SEC("struct_ops/congestion_undo_cwnd")
__u32 congestion_undo_cwnd(__u64 *ctx)
{
	return 2;
}

SEC(".struct_ops")
struct tcp_congestion_ops fc_congestion = {
	.ssthresh = (void *)congestion_ssthresh,
	.cong_avoid = (void *)congestion_avoid,
	.undo_cwnd = (void *)congestion_undo_cwnd,
	.name = "fc_congestion",
};

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} any_ports SEC(".maps");

SEC("xdp")
int to_any_port(struct xdp_md *ctx)
{
	return bpf_redirect_map(&any_ports, 70000, XDP_PASS);
}

SEC("xdp/devmap")
int at_any_port(struct xdp_md *ctx)
{
	return XDP_PASS;
}
