// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Maps whose sizes are left out, or said for readers only, and such as leave their size to the
// loader, ask for a pin, or cannot be made.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct event {
	__u32 length;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
	__type(value, struct event);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
} perf SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct event);
} latest SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 64);
	__uint(map_extra, 3);
	__type(key, __u32);
	__type(value, __u64);
} known SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, __u64);
} of_task SEC(".maps");

/* Not on the stack: Linux 7.3 takes what peek is handed for something to be written. */
__u64 asked = 7;

SEC("tracepoint/syscalls/sys_enter_getpgid")
int uses_all(void *ctx)
{
	struct event event = { .length = 4 };

	bpf_ringbuf_output(&ring, &event, sizeof(event), 0);
	bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &event, sizeof(event));
	bpf_map_push_elem(&latest, &event, BPF_EXIST);
	bpf_map_push_elem(&known, &asked, 0);
	bpf_printk("known %ld", bpf_map_peek_elem(&known, &asked));
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
} flows SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_getpgid")
int sized_later(void *ctx)
{
	__u32 key = 0;
	__u64 one = 1;

	return bpf_map_update_elem(&flows, &key, &one, BPF_ANY) != 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} total SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_getpgid")
int pinned(void *ctx)
{
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&total, &zero);

	if (count)
		bpf_printk("total %llu", __sync_fetch_and_add(count, 1) + 1);
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 1 << 20);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} cpus SEC(".maps");

SEC("xdp")
int to_cpu(struct xdp_md *ctx)
{
	return bpf_redirect_map(&cpus, 0, 0);
}

struct large {
	char bytes[40000];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct large);
} too_wide SEC(".maps");

SEC("xdp")
int wide(struct xdp_md *ctx)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&too_wide, &zero) ? XDP_PASS : XDP_DROP;
}

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 5000);
} odd SEC(".maps");

SEC("xdp")
int odd_ring(struct xdp_md *ctx)
{
	return bpf_ringbuf_output(&odd, &(__u32){ 1 }, 4, 0) ? XDP_DROP : XDP_PASS;
}

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 8);
	__type(key, __u64);
	__type(value, __u32);
} routes SEC(".maps");

SEC("xdp")
int routed(struct xdp_md *ctx)
{
	__u64 key = 32;

	return bpf_map_lookup_elem(&routes, &key) ? XDP_DROP : XDP_PASS;
}
