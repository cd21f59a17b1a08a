// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// One host for each kind of hook, all fired by the same system call and with the same functions.
#include "getpgid.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define UNHANDLED -1

struct host_event {
	__u64 value;
	__u64 twice;
	int answer; /* the stub's */
};

FC_STUB int stub_value(__u64 value)
{
	return fc_stub(UNHANDLED, value);
}

static __attribute__((noinline)) __u64 twice(__u64 value)
{
	asm volatile("" : "+r"(value));
	return value * 2;
}

static __always_inline int host(long value)
{
	struct host_event *event;
	__u64 outer, doubled;
	int answer;

	if (value == GETPGID_NONE)
		return 0;
	outer = fc_enter();
	doubled = twice(value);
	answer = stub_value(value);
	event = fc_reserve(struct host_event);
	if (event) {
		event->value = value;
		event->twice = doubled;
		event->answer = answer;
		fc_submit(event);
	}
	fc_leave(outer);
	return 0;
}

static __always_inline long first_argument(struct pt_regs *regs)
{
	long value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), &PT_REGS_PARM1(regs));
	return value;
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int at_tracepoint(struct getpgid_entry *ctx)
{
	return host(getpgid_value(ctx->pid));
}

SEC("raw_tracepoint/sys_enter")
int at_raw_tracepoint(struct bpf_raw_tracepoint_args *ctx)
{
	if (ctx->args[1] != GETPGID_NUMBER)
		return 0;
	return host(getpgid_value(first_argument((void *)ctx->args[0])));
}

// A system call's function has one argument: the registers with which it was called.
SEC("kprobe/__x64_sys_getpgid")
int at_kprobe(struct pt_regs *ctx)
{
	return host(getpgid_value(first_argument((void *)PT_REGS_PARM1(ctx))));
}

// On return the arguments are gone; the answer of our calls is the value here.
SEC("kretprobe/__x64_sys_getpgid")
int at_kretprobe(struct pt_regs *ctx)
{
	long answer = PT_REGS_RC(ctx);

	return answer < 0 ? host(-answer) : 0;
}
