/* SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0 */
/* What the programs of the xdp recipe share. */
#ifndef XDP_H
#define XDP_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>
#include <freplace_compose.h>

struct xdp_host_event {
	__u32 length; /* of the frame, bytes */
	__u32 queue;
};

struct xdp_packet_event {
	fc_ip_t source, destination;
	__u8 protocol;
	enum xdp_action ret;
};

struct xdp_entry_event {
	__u32 length;
};

struct xdp_return_event {
	__u32 length;
	enum xdp_action ret;
	fc_ns_t took;
};

#endif
