// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The replacement of chains/tcp.toml: takes the place of stub_handler in every host.
#include "tcp.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("freplace")
int freplace_handler(__u64 socket)
{
	tcp_emit(socket);
	return TCP_SEEN;
}
