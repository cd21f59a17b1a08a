// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The hosts of chains/tcp.toml: every new TCP connection, made or accepted, is handed to a stub.
#include "tcp.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// The socket travels as a __u64. A `struct sock *` argument would be checked as memory of that
// size, and a pointer read out of pt_regs is only a number to the verifier: it refuses the call.
FC_STUB int stub_handler(__u64 socket)
{
	return fc_stub(TCP_UNHANDLED, socket);
}

static __always_inline int host(__u64 socket)
{
	__u64 outer = fc_enter();

	tcp_emit(socket);
	stub_handler(socket);
	fc_leave(outer);
	return 0;
}

// int tcp_connect(struct sock *sk)
SEC("kprobe/tcp_connect")
int k_tcp_connect(struct pt_regs *ctx)
{
	return host(PT_REGS_PARM1(ctx));
}

// struct sock *inet_csk_complete_hashdance(struct sock *sk, struct sock *child,
//                                          struct request_sock *req, bool own_req):
// the child is the connection, sk only the listener.
SEC("kprobe/inet_csk_complete_hashdance")
int k_icsk_complete_hashdance(struct pt_regs *ctx)
{
	// Two CPUs with packets of one connection may each make a child of it. The kernel drops the one
	// that does not own the request.
	if (!(__u8)PT_REGS_PARM4(ctx))
		return 0;
	return host(PT_REGS_PARM2(ctx));
}
