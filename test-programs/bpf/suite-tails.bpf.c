// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Programs that go on in themselves by a table until the kernel ends it, which it does after 33 times;
// some by a static function, which a tracer follows.
#include "suite.h"

#define TABLE(name) \
	struct { \
		__uint(type, BPF_MAP_TYPE_PROG_ARRAY); \
		__uint(max_entries, 1); \
		__type(key, __u32); \
		__type(value, __u32); \
	} name SEC(".maps")

TABLE(suite_circle);
TABLE(suite_branch);
TABLE(suite_replacements);

static __attribute__((noinline)) int again(struct __sk_buff *skb)
{
	// Two places that go on, of which one never does: it is beyond the table.
	if (skb->len == 1)
		bpf_tail_call_static(skb, &suite_circle, 1);
	else
		bpf_tail_call_static(skb, &suite_circle, 0);
	return 1;
}

SEC("tc")
int circles(struct __sk_buff *skb)
{
	tell(skb->len);
	return again(skb);
}

SEC("tc")
int enters(struct __sk_buff *skb)
{
	bpf_tail_call_static(skb, &suite_circle, 0);
	return 0;
}

static __attribute__((noinline)) int branch(struct __sk_buff *skb)
{
	bpf_tail_call_static(skb, &suite_branch, 0);
	return 0;
}

SEC("tc")
int branches(struct __sk_buff *skb)
{
	tell(skb->len);
	branch(skb);
	branch(skb);
	return 1;
}

SEC("fentry")
int BPF_PROG(before, struct sk_buff *skb)
{
	tell(0);
	return 0;
}

SEC("fexit")
int BPF_PROG(after, struct sk_buff *skb)
{
	tell(0);
	return 0;
}

SEC("tc")
int answers_one(struct __sk_buff *skb)
{
	return 1;
}

int branching_tracer(unsigned long long *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} suite_tracers SEC(".maps") = { .values = { (void *)&branching_tracer } };

static __attribute__((noinline)) int tracer_branch(void *ctx)
{
	bpf_tail_call_static(ctx, &suite_tracers, 0);
	return 0;
}

SEC("fentry")
int BPF_PROG(branching_tracer, struct sk_buff *skb)
{
	tell(0);
	tracer_branch(ctx);
	tracer_branch(ctx);
	return 0;
}

FC_STUB int part(struct __sk_buff *skb)
{
	// A tail call may change the packet, so what is replaced by one that makes it has to change it too.
	bpf_skb_change_proto(skb, 0, 0);
	return fc_stub(1, skb);
}

SEC("tc")
int has_a_part(struct __sk_buff *skb)
{
	return part(skb);
}

SEC("freplace")
int new_part(struct __sk_buff *skb)
{
	tell(skb->len);
	bpf_tail_call_static(skb, &suite_replacements, 0);
	return 2;
}

SEC("fentry")
int following_tracer(void *ctx)
{
	return 0;
}

// A tracer that goes on in another.
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} suite_following SEC(".maps") = { .values = { (void *)&following_tracer } };

SEC("fentry")
int leading_tracer(void *ctx)
{
	bpf_tail_call_static(ctx, &suite_following, 0);
	return 0;
}
