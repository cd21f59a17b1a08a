// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A function whose arguments are called as the result and the duration are.
#include "getpgid.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

FC_STUB int judge(int ret, int took)
{
	return fc_stub(ret + 4, ret, took);
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int judges(struct getpgid_entry *ctx)
{
	long value = getpgid_value(ctx->pid);

	if (value == GETPGID_NONE)
		return 0;
	judge(value, 7);
	return 0;
}
