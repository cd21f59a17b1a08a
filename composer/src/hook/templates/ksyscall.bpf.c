// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "freplace_compose.h"

/* Many helpers require a GPL-compatible licence. */
char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* An event is any struct: its fields are shown by name, `ret` as `= value`. */
struct NAME_event {
	void *argument;
};

/* A stub: a replacement for it selects the calls that are shown. */
FC_STUB int NAME_wanted(__u64 argument)
{
	return fc_stub(1, argument);
}

SEC("ksyscall")
int on_NAME(struct pt_regs *ctx)
{
	__u64 outer = fc_enter();
	/* The function of a system call takes the registers that it was called with. */
	struct pt_regs *registers = (struct pt_regs *)PT_REGS_PARM1(ctx);
	__u64 argument = 0;

	bpf_probe_read_kernel(&argument, sizeof(argument), &PT_REGS_PARM1(registers));

	if (NAME_wanted(argument)) {
		struct NAME_event *event = fc_reserve(struct NAME_event);

		if (event) {
			event->argument = (void *)argument;
			fc_submit(event);
		}
	}
	fc_leave(outer);
	return 0;
}
