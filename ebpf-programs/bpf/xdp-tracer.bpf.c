// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The tracers of chains/xdp.toml. To a tracer the context is the kernel's struct, not xdp_md.
#include "xdp.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct xdp_buff {
	void *data;
	void *data_end;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} xdp_began SEC(".maps");

static __always_inline __u64 *began(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&xdp_began, &zero);
}

static __always_inline __u32 length(struct xdp_buff *frame)
{
	return (long)BPF_CORE_READ(frame, data_end) - (long)BPF_CORE_READ(frame, data);
}

SEC("fentry")
int BPF_PROG(fentry_filter, struct xdp_buff *frame)
{
	struct xdp_entry_event *event = fc_reserve(struct xdp_entry_event);
	__u64 *start = began();

	if (event) {
		event->length = length(frame);
		fc_submit(event);
	}
	if (start)
		*start = bpf_ktime_get_ns();
	return 0;
}

SEC("fexit")
int BPF_PROG(fexit_filter, struct xdp_buff *frame, int ret)
{
	__u64 now = bpf_ktime_get_ns(), *start = began();
	struct xdp_return_event *event = fc_reserve(struct xdp_return_event);

	if (!event)
		return 0;
	event->length = length(frame);
	event->ret = ret;
	event->took = start && *start ? now - *start : 0;
	fc_submit(event);
	return 0;
}
