// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The hosts of chains/tcp-map.toml: the stub takes no argument, a shared map carries the socket.
#include "tcp-map.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

FC_STUB int stub_handler(void)
{
	return fc_stub(TCP_UNHANDLED);
}

static __always_inline int host(__u64 socket)
{
	__u64 outer = fc_enter(), *slot = tcp_socket_slot(), interrupted = 0;

	if (slot) {
		interrupted = *slot;
		*slot = socket;
	}
	tcp_emit(socket);
	stub_handler();
	if (slot)
		*slot = interrupted;
	fc_leave(outer);
	return 0;
}

SEC("kprobe/tcp_connect")
int k_tcp_connect(struct pt_regs *ctx)
{
	return host(PT_REGS_PARM1(ctx));
}

SEC("kprobe/inet_csk_complete_hashdance")
int k_icsk_complete_hashdance(struct pt_regs *ctx)
{
	// Two CPUs with packets of one connection may each make a child of it. The kernel drops the one
	// that does not own the request.
	if (!(__u8)PT_REGS_PARM4(ctx))
		return 0;
	return host(PT_REGS_PARM2(ctx));
}
