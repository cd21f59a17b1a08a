/* SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0 */
/* What the programs of the tcp-states recipe share. */
#ifndef TCP_STATES_H
#define TCP_STATES_H

#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <freplace_compose.h>

enum tcp_state {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
	TCP_CLOSING,
	TCP_NEW_SYN_RECV,
};

/* What the stub is given: a socket goes from one state to another. */
struct tcp_change {
	__u64 socket; /* its address, which is its name as long as it exists */
	fc_flow_t flow;
	enum tcp_state from, to;
};

struct tcp_change_event {
	fc_flow_t flow;
	enum tcp_state from, to;
};

struct tcp_duration_event {
	fc_flow_t flow;
	enum tcp_state state;
	fc_ns_t lasted;
};

#endif
