// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The replacements of chains/tcp.toml: one takes all connections, the other those of a port.
#include "tcp.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("freplace")
int freplace_handler(__u64 socket)
{
	tcp_emit(socket);
	return TCP_SEEN;
}

// Of either end; `globals` sets it.
const volatile __u16 port = 443;

SEC("freplace")
int only_port(__u64 socket)
{
	if (!tcp_has_port(socket, port))
		return TCP_UNHANDLED;
	tcp_emit(socket);
	return TCP_SEEN;
}
