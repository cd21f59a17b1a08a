// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The tracers of chains/tcp-map.toml: they see no argument, and read the map as the others do.
#include "tcp-map.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("fentry")
int BPF_PROG(fentry_freplace_handler)
{
	tcp_emit(tcp_current_socket());
	tcp_begin();
	return 0;
}

SEC("fexit")
int BPF_PROG(fexit_freplace_handler, int ret)
{
	tcp_emit_return(tcp_current_socket(), ret, tcp_took());
	return 0;
}
