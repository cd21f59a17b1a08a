// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Tables for tail calls: one that a chain fills, and some that hold programs from the start.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <freplace_compose.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} next SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} numbers SEC(".maps");

SEC("xdp") int enter(struct xdp_md *ctx)
{
	__u32 zero = 0;

	if (bpf_map_lookup_elem(&numbers, &zero))
		bpf_tail_call(ctx, &next, 1);
	return XDP_DROP;
}

FC_STUB int verdict(struct xdp_md *ctx) { return fc_stub(XDP_PASS, ctx); }

SEC("xdp") int leaf(struct xdp_md *ctx) { return verdict(ctx); }
SEC("kprobe/tcp_connect") int probe(void *ctx) { return 0; }

#define TABLE(name, ...) \
	struct { \
		__uint(type, BPF_MAP_TYPE_PROG_ARRAY); \
		__uint(max_entries, 2); \
		__uint(key_size, sizeof(__u32)); \
		__array(values, int(void *)); \
	} name SEC(".maps") = { .values = { __VA_ARGS__ } };

TABLE(of_others, [0] = (void *)&probe)

SEC("xdp") int enter_others(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &of_others, 0);
	return XDP_DROP;
}

// Nobody but the table leads to these, and each is one that the verifier refuses.
SEC("xdp") int calls_wrong_helper(struct xdp_md *ctx)
{
	return bpf_get_current_pid_tgid() ? XDP_DROP : XDP_PASS;
}

TABLE(to_helper, [1] = (void *)&calls_wrong_helper)

SEC("xdp") int enter_helper(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &to_helper, 1);
	return XDP_DROP;
}

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} seen SEC(".maps");

SEC("xdp") int tests_nothing(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u32 *found = bpf_map_lookup_elem(&seen, &zero);

	return *found;
}

TABLE(to_untested, [0] = (void *)&tests_nothing)

SEC("xdp") int enter_untested(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &to_untested, 0);
	return XDP_DROP;
}

__attribute__((noinline)) int deep(void)
{
	volatile char copy[300] = {};

	return copy[0];
}

SEC("xdp") int too_deep(struct xdp_md *ctx)
{
	volatile char copy[300] = {};

	return copy[0] + deep() ? XDP_DROP : XDP_PASS;
}

TABLE(to_deep, [0] = (void *)&too_deep)

SEC("xdp") int enter_deep(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &to_deep, 0);
	return XDP_DROP;
}

struct flow;

__attribute__((noinline)) int is_new(struct flow *flow)
{
	int result = !flow;

	asm volatile("" : "+r"(result));
	return result;
}

/* Hidden from clang, which makes a copy of a function for an argument that it knows. */
static __attribute__((always_inline)) struct flow *nothing(void)
{
	struct flow *flow = 0;

	asm volatile("" : "+r"(flow));
	return flow;
}

SEC("xdp") int calls_undefined(struct xdp_md *ctx)
{
	return is_new(nothing()) ? XDP_PASS : XDP_DROP;
}

TABLE(to_undefined, [0] = (void *)&calls_undefined)

SEC("xdp") int enter_undefined(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &to_undefined, 0);
	return XDP_DROP;
}

SEC("fentry.s/leaf") int sleeps(void *ctx) { return 0; }
