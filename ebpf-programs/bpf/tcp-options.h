/* SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0 */
/* What the programs of the tcp-options recipe share. */
#ifndef TCP_OPTIONS_H
#define TCP_OPTIONS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <freplace_compose.h>

enum connection {
	CONNECTED = BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB,
	ACCEPTED = BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB,
};

enum options {
	OPTIONS_KEPT = 0,
	OPTIONS_SET = 1,
};

struct tcp_options_event {
	enum connection how;
	fc_port_t local_port, remote_port;
	enum options ret;
};

#endif
