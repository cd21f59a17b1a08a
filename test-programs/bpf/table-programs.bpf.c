// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Programs that only a table for tail calls leads to. The verifier sees each of them by itself.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define TABLE(name, program) \
	struct { \
		__uint(type, BPF_MAP_TYPE_PROG_ARRAY); \
		__uint(max_entries, 2); \
		__uint(key_size, sizeof(__u32)); \
		__array(values, int(void *)); \
	} name SEC(".maps") = { .values = { [1] = (void *)&program } };

// A table that holds `program`, and a host that goes on in it.
#define ENTER(program) \
	TABLE(to_##program, program) \
	SEC("xdp") int enter_##program(struct xdp_md *ctx) \
	{ \
		bpf_tail_call(ctx, &to_##program, 1); \
		return XDP_PASS; \
	}

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} seen SEC(".maps");

SEC("xdp") int tests(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u32 *found = bpf_map_lookup_elem(&seen, &zero);

	return found && *found == 7 ? XDP_DROP : XDP_PASS;
}
ENTER(tests)

SEC("xdp") int tests_nothing(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u32 *found = bpf_map_lookup_elem(&seen, &zero);

	return *found == 7 ? XDP_DROP : XDP_PASS;
}
ENTER(tests_nothing)

SEC("xdp") int wrong_helper(struct xdp_md *ctx)
{
	// For programs that get a __sk_buff, on every kernel.
	char first;

	return bpf_skb_load_bytes(ctx, 0, &first, 1) ? XDP_DROP : XDP_PASS;
}
ENTER(wrong_helper)

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
ENTER(too_deep)

struct flow;

__attribute__((noinline)) int is_new(struct flow *flow)
{
	int result = !flow;

	asm volatile("" : "+r"(result));
	return result;
}

SEC("xdp") int calls_undefined(struct xdp_md *ctx)
{
	return is_new(0) ? XDP_PASS : XDP_DROP;
}
ENTER(calls_undefined)

// The second one after the first: what a table leads to has tables, too.
SEC("xdp") int goes_on(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &to_wrong_helper, 1);
	return XDP_PASS;
}
ENTER(goes_on)
