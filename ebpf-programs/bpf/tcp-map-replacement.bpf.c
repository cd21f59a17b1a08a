// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The replacement of chains/tcp-map.toml.
#include "tcp-map.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("freplace")
int freplace_handler(void)
{
	tcp_emit(tcp_current_socket());
	return TCP_SEEN;
}
