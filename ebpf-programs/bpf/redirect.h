/* SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0 */
/* What the programs of the redirect recipe share. */
#ifndef REDIRECT_H
#define REDIRECT_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <freplace_compose.h>

enum connect_verdict {
	CONNECT_DENY = 0, /* connect(2) fails with EPERM */
	CONNECT_ALLOW = 1,
};

struct connect_event {
	fc_endpoint_t asked;     /* the address that the process passed */
	fc_endpoint_t connected; /* and the one that it gets */
	enum connect_verdict ret;
};

#endif
