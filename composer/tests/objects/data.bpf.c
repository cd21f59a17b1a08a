// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Maps that no kernel makes, and global variables to set and to forget.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <freplace_compose.h>

char LICENSE[] SEC("license") = "GPL";

struct bpf_map_def {
	unsigned int type, key_size, value_size, max_entries, map_flags;
};

struct bpf_map_def old SEC("maps") = { BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0 };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
} unsized SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, __u64);
} wide SEC(".maps");

SEC("xdp") int counts_old(struct xdp_md *ctx)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&old, &zero) ? XDP_PASS : XDP_DROP;
}

SEC("xdp") int counts_unsized(struct xdp_md *ctx)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&unsized, &zero) ? XDP_PASS : XDP_DROP;
}

SEC("xdp") int counts_wide(struct xdp_md *ctx)
{
	__u64 zero = 0;
	return bpf_map_lookup_elem(&wide, &zero) ? XDP_PASS : XDP_DROP;
}

enum mode { OFF, ON, AUTO };

const volatile struct {
	__u8 used;
	enum mode mode;
	__u32 ports[4];
} conf = {};
const volatile int enabled = 0;
const volatile int limit = 5;
char label[8] = "";

FC_STUB int verdict(struct xdp_md *ctx) { return fc_stub(XDP_PASS, ctx); }

static __attribute__((noinline)) int inside(__u32 queue)
{
	asm volatile("" : "+r"(queue));
	return queue;
}

SEC("xdp") int filter(struct xdp_md *ctx)
{
	if (label[0] || (conf.mode == ON && conf.used))
		return XDP_DROP;
	if (conf.ports[1] && inside(ctx->rx_queue_index))
		return XDP_DROP;
	return enabled ? verdict(ctx) : XDP_PASS;
}

SEC("xdp") int passes(struct xdp_md *ctx) { return XDP_PASS; }
SEC("xdp") int limited(struct xdp_md *ctx) { return ctx->rx_queue_index > limit ? XDP_DROP : XDP_PASS; }

SEC("freplace") int drop(struct xdp_md *ctx) { return XDP_DROP; }

FC_STUB int judge(int ret) { return fc_stub(ret + 4, ret); }
SEC("xdp") int judges(struct xdp_md *ctx) { return judge(ctx->rx_queue_index) & 1 ? XDP_DROP : XDP_PASS; }
