// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// What `cargo xtask bench` measures with: a host that makes many events, and a host that does next
// to nothing with tracers on its stub, written as somebody would write them by hand.
#include "getpgid.h"
#include <bpf/bpf_endian.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* As the events of chains/tcp.toml, in size and in what is to be written of them. */
struct seen_event {
	fc_flow_t flow;
};

enum answer {
	ANSWER_UNHANDLED = 0,
	ANSWER_SEEN = 1,
};

struct answered_event {
	fc_flow_t flow;
	enum answer ret;
	fc_ns_t took;
};

static __always_inline void fill(fc_flow_t *flow, __u32 number)
{
	fc_ip_from_v4(&flow->source.addr, bpf_htonl(0x0a00020f));
	fc_ip_from_v4(&flow->destination.addr, bpf_htonl(0xc0a80000 | (number & 0xffff)));
	flow->source.port = bpf_htons(32768 + (number & 0x3fff));
	flow->destination.port = bpf_htons(443);
}

static __always_inline void see(__u32 number)
{
	struct seen_event *event = fc_reserve(struct seen_event);

	if (!event)
		return;
	fill(&event->flow, number);
	fc_submit(event);
}

/* 256 events a call of getpgid, four in each of the chain's own calls. */
SEC("tracepoint/syscalls/sys_enter_getpgid")
int stream(struct getpgid_entry *ctx)
{
	long value = getpgid_value(ctx->pid);
	__u32 number;

	if (value == GETPGID_NONE)
		return 0;
	for (number = 0; number < 64; number++) {
		__u64 outer = fc_enter();
		struct answered_event *event;

		see(value + number);
		see(value + number);
		see(value + number);
		event = fc_reserve(struct answered_event);
		if (event) {
			fill(&event->flow, value + number);
			event->ret = ANSWER_SEEN;
			event->took = 11900 + number;
			fc_submit(event);
		}
		fc_leave(outer);
	}
	return 0;
}

FC_STUB int measured(struct xdp_md *ctx, __u64 len)
{
	return fc_stub(XDP_PASS, ctx, len);
}

SEC("xdp")
int host(struct xdp_md *ctx)
{
	return measured(ctx, ctx->data_end - ctx->data);
}

SEC("fentry")
int empty_entry(void *ctx)
{
	return 0;
}

SEC("fexit")
int empty_exit(void *ctx)
{
	return 0;
}

struct xdp_buff {
	void *data;
} __attribute__((preserve_access_index));

/* What the built-in tracer tells of `measured`. */
struct measured_event {
	struct xdp_buff *ctx;
	__u64 len;
	enum xdp_action ret;
	fc_ns_t took;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} began SEC(".maps");

static __always_inline int begin(void)
{
	__u32 zero = 0;
	__u64 *at = bpf_map_lookup_elem(&began, &zero);

	if (at)
		*at = bpf_ktime_get_ns();
	return 0;
}

SEC("fentry")
int BPF_PROG(by_hand_entry, struct xdp_buff *frame, __u64 len)
{
	return begin();
}

static __always_inline int tell(struct xdp_buff *frame, __u64 len, int ret)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 zero = 0;
	__u64 *at = bpf_map_lookup_elem(&began, &zero);
	struct measured_event *event = fc_reserve(struct measured_event);

	if (!event)
		return 0;
	event->ctx = frame;
	event->len = len;
	event->ret = ret;
	event->took = at ? now - *at : 0;
	fc_submit(event);
	return 0;
}

SEC("fexit")
int BPF_PROG(by_hand_exit, struct xdp_buff *frame, __u64 len, int ret)
{
	return tell(frame, len, ret);
}

/* The same, for packets that there are none of. */
SEC("fentry")
int BPF_PROG(by_hand_entry_filter, struct xdp_buff *frame, __u64 len)
{
	return len > 100000 ? begin() : 0;
}

SEC("fexit")
int BPF_PROG(by_hand_filter, struct xdp_buff *frame, __u64 len, int ret)
{
	return len > 100000 ? tell(frame, len, ret) : 0;
}

/* Both by one program, where the kernel keeps the time of the entry (Linux 7.0). */
extern _Bool bpf_session_is_return(void *ctx) __ksym;
extern __u64 *bpf_session_cookie(void *ctx) __ksym;

static __always_inline int tell_since(__u64 began, struct xdp_buff *frame, __u64 len, int ret)
{
	__u64 now = bpf_ktime_get_ns();
	struct measured_event *event = fc_reserve(struct measured_event);

	if (!event)
		return 0;
	event->ctx = frame;
	event->len = len;
	event->ret = ret;
	event->took = now - began;
	fc_submit(event);
	return 0;
}

SEC("fsession")
int BPF_PROG(by_hand_one, struct xdp_buff *frame, __u64 len, int ret)
{
	__u64 *began = bpf_session_cookie(ctx);

	if (bpf_session_is_return(ctx))
		return tell_since(*began, frame, len, ret);
	*began = bpf_ktime_get_ns();
	return 0;
}

SEC("fsession")
int BPF_PROG(by_hand_one_filter, struct xdp_buff *frame, __u64 len, int ret)
{
	__u64 *began = bpf_session_cookie(ctx);

	if (len <= 100000)
		return 0;
	if (bpf_session_is_return(ctx))
		return tell_since(*began, frame, len, ret);
	*began = bpf_ktime_get_ns();
	return 0;
}
