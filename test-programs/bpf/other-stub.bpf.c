// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A stub of the same name as that of hosts.bpf.c with one argument more.
#include "getpgid.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

FC_STUB int stub_value(__u64 value, __u64 more)
{
	return fc_stub(0, value, more);
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int other(struct getpgid_entry *ctx)
{
	stub_value(ctx->pid, 1);
	return 0;
}
