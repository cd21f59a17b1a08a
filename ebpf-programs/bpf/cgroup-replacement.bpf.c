// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The replacements of chains/cgroup.toml: one counts, the other limits.
#include "cgroup.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct packet_total);
} cgroup_totals SEC(".maps");

SEC("freplace")
enum cgroup_verdict meter(struct __sk_buff *ctx)
{
	__u64 cgroup = bpf_skb_cgroup_id(ctx);
	struct packet_total total = packet_count(&cgroup_totals, &cgroup, ctx->len);
	struct cgroup_total_event *event = fc_reserve(struct cgroup_total_event);

	if (event) {
		event->cgroup = cgroup;
		event->packets = total.packets;
		event->bytes = total.bytes;
		fc_submit(event);
	}
	return CGROUP_PASS;
}

// What a cgroup may send and receive in a second; `globals` sets it.
const volatile __u64 bytes_per_second = 1000000;

struct spent {
	__u64 second;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct spent);
} cgroup_spent SEC(".maps");

SEC("freplace")
enum cgroup_verdict limit(struct __sk_buff *ctx)
{
	__u64 cgroup = bpf_skb_cgroup_id(ctx), second = bpf_ktime_get_ns() / 1000000000;
	struct spent first = { .second = second }, *spent;
	struct cgroup_dropped_event *event;

	bpf_map_update_elem(&cgroup_spent, &cgroup, &first, BPF_NOEXIST);
	spent = bpf_map_lookup_elem(&cgroup_spent, &cgroup);
	if (!spent)
		return CGROUP_PASS;
	// Two CPUs at the turn of a second may let a few packets more pass, which is no harm.
	if (spent->second != second) {
		spent->second = second;
		spent->bytes = 0;
	}
	if (spent->bytes + ctx->len <= bytes_per_second) {
		__sync_fetch_and_add(&spent->bytes, ctx->len);
		return CGROUP_PASS;
	}
	event = fc_reserve(struct cgroup_dropped_event);
	if (event) {
		event->cgroup = cgroup;
		event->bytes = spent->bytes;
		fc_submit(event);
	}
	return CGROUP_DROP;
}
