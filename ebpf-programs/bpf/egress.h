/* SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0 */
/* What the programs of the egress recipe share. */
#ifndef EGRESS_H
#define EGRESS_H

#include "packet.h"

/* TC_ACT_UNSPEC and TC_ACT_SHOT of <linux/pkt_cls.h>. */
enum egress_verdict {
	EGRESS_NEXT = -1, /* the interface's next program decides */
	EGRESS_DROP = 2,
};

struct egress_packet_event {
	fc_flow_t flow;
	__u32 length;
	enum egress_verdict ret;
};

struct egress_address_event {
	fc_ip_t destination;
	__u64 packets;
	__u64 bytes;
};

struct egress_protocol_event {
	__u8 protocol; /* IPPROTO_TCP is 6, IPPROTO_UDP 17 */
	__u64 packets;
	__u64 bytes;
};

#endif
