// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A program that knows nothing of the composer, for loaders of others: libbpf loads this object as it is.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

__attribute__((noinline)) int plain_verdict(struct __sk_buff *ctx)
{
	int verdict = 1;

	/* clang may neither compute the result in the caller nor drop the argument. */
	asm volatile("" : "+r"(verdict) : "r"(ctx));
	return verdict;
}

SEC("cgroup_skb/egress")
int plain_filter_of_packets(struct __sk_buff *ctx)
{
	__u64 *count = bpf_map_lookup_elem(&packets, &(__u32){ 0 });

	if (count)
		__sync_fetch_and_add(count, 1);
	return plain_verdict(ctx) ? 1 : 0;
}
