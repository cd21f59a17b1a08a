/* SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0 */
/* The socket in a map that all nodes of the chain share by its name, one slot for each CPU. */
#ifndef TCP_MAP_H
#define TCP_MAP_H

#include "tcp.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} tcp_socket SEC(".maps");

static __always_inline __u64 *tcp_socket_slot(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&tcp_socket, &zero);
}

static __always_inline __u64 tcp_current_socket(void)
{
	__u64 *slot = tcp_socket_slot();

	return slot ? *slot : 0;
}

#endif
