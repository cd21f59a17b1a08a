/* SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0 */
/* What the programs of the cgroup recipe share. */
#ifndef CGROUP_H
#define CGROUP_H

#include "packet.h"

enum cgroup_verdict {
	CGROUP_DROP = 0,
	CGROUP_PASS = 1,
};

/* A cgroup is told by the number of its folder: `find /sys/fs/cgroup -inum NUMBER`. */
struct cgroup_packet_event {
	fc_flow_t flow;
	__u64 cgroup;
	__u32 length; /* from the IP header on, bytes */
	enum cgroup_verdict ret;
};

struct cgroup_total_event {
	__u64 cgroup;
	__u64 packets;
	__u64 bytes;
};

struct cgroup_dropped_event {
	__u64 cgroup;
	__u64 bytes; /* that passed in this second */
};

#endif
