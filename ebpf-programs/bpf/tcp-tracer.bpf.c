// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The tracers of chains/tcp.toml: what the replacement was given, and what it answered.
#include "tcp.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("fentry")
int BPF_PROG(fentry_freplace_handler, __u64 socket)
{
	tcp_emit(socket);
	tcp_begin();
	return 0;
}

SEC("fexit")
int BPF_PROG(fexit_freplace_handler, __u64 socket, int ret)
{
	tcp_emit_return(socket, ret, tcp_took());
	return 0;
}
