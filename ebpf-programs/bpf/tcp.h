/* SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0 */
/* What the programs of the tcp recipes share: the kernel structs they read, and the event. */
#ifndef TCP_H
#define TCP_H

#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <freplace_compose.h>

#define AF_INET 2
#define AF_INET6 10

/* Just the fields we read; CO-RE finds their offsets in the running kernel. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};
struct sock_common {
	__u32 skc_daddr;
	__u32 skc_rcv_saddr;
	__u16 skc_dport; /* network order */
	__u16 skc_num;   /* host order */
	unsigned short skc_family;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};
struct sock {
	struct sock_common __sk_common;
};
#pragma clang attribute pop

/* What a replacement answers its host. */
enum tcp_answer {
	TCP_UNHANDLED = 0, /* the stub's own answer */
	TCP_SEEN = 1,
};

struct tcp_event {
	fc_flow_t flow;
};

struct tcp_return_event {
	fc_flow_t flow;
	enum tcp_answer ret;
	fc_ns_t took;
};

/* The two ends of a socket: IPv4, or IPv6, or IPv4 over an IPv6 socket. */
static __always_inline void tcp_flow(fc_flow_t *flow, __u64 socket)
{
	struct sock *sk = (struct sock *)socket;

	flow->source.port = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_num));
	flow->destination.port = BPF_CORE_READ(sk, __sk_common.skc_dport);
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET6) {
		BPF_CORE_READ_INTO(&flow->source.addr, sk, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&flow->destination.addr, sk, __sk_common.skc_v6_daddr);
	} else {
		fc_ip_from_v4(&flow->source.addr, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		fc_ip_from_v4(&flow->destination.addr, BPF_CORE_READ(sk, __sk_common.skc_daddr));
	}
}

/* Whether one of the two ends is a port. */
static __always_inline int tcp_has_port(__u64 socket, __u16 port)
{
	struct sock *sk = (struct sock *)socket;

	return BPF_CORE_READ(sk, __sk_common.skc_num) == port ||
	       BPF_CORE_READ(sk, __sk_common.skc_dport) == __builtin_bswap16(port);
}

static __always_inline void tcp_emit(__u64 socket)
{
	struct tcp_event *event = fc_reserve(struct tcp_event);

	if (!event)
		return;
	tcp_flow(&event->flow, socket);
	fc_submit(event);
}

static __always_inline void tcp_emit_return(__u64 socket, int ret, __u64 took)
{
	struct tcp_return_event *event = fc_reserve(struct tcp_return_event);

	if (!event)
		return;
	tcp_flow(&event->flow, socket);
	event->ret = ret;
	event->took = took;
	fc_submit(event);
}

/* When the entry tracer saw this CPU's call begin, for the exit tracer to tell how long it took. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} tcp_began SEC(".maps");

static __always_inline void tcp_begin(void)
{
	__u32 zero = 0;
	__u64 *began = bpf_map_lookup_elem(&tcp_began, &zero);

	if (began)
		*began = bpf_ktime_get_ns();
}

static __always_inline __u64 tcp_took(void)
{
	__u32 zero = 0;
	__u64 *began = bpf_map_lookup_elem(&tcp_began, &zero);

	return began && *began ? bpf_ktime_get_ns() - *began : 0;
}

#endif
