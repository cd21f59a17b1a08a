// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
#include "unlink.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// A kernel pointer is passed as a number: as a pointer it would have to lead to memory that the
// verifier knows.
FC_STUB int judge(__u64 filename)
{
	return fc_stub(NOT_JUDGED, filename);
}

// int do_unlinkat(int dfd, struct filename *name)
SEC("kprobe/do_unlinkat")
int on_unlink(struct pt_regs *ctx)
{
	__u64 outer = fc_enter(), filename = PT_REGS_PARM2(ctx);

	emit(filename, judge(filename));
	fc_leave(outer);
	return 0;
}
