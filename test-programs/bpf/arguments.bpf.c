// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Hosts that call stubs with what those do not take, and others that come close to it.
#include "getpgid.h"

char LICENSE[] SEC("license") = "GPL";

struct record {
	__u64 a, b;
};

const volatile __u32 never = 0;

// It does not use what it is given, so clang does not pass it.
__attribute__((noinline)) int stub_unused(__u64 number, __u64 unused)
{
	asm volatile("" : "+r"(number));
	return number;
}

__attribute__((noinline)) int stub_kept(__u64 number, __u64 unused)
{
	asm volatile("" : "+r"(number) : "r"(unused));
	return number;
}

__attribute__((noinline)) int stub_record(struct record *record)
{
	asm volatile("" ::"r"(record));
	return 0;
}

__attribute__((noinline)) int stub_number(__u64 number)
{
	asm volatile("" ::"r"(number));
	return 0;
}

__attribute__((noinline)) int stub_context(struct pt_regs *ctx)
{
	asm volatile("" ::"r"(ctx));
	return 0;
}

__attribute__((noinline)) int stub_unused_record(__u64 number, struct record *unused)
{
	asm volatile("" : "+r"(number));
	return number;
}

__attribute__((noinline)) int stub_unused_context(__u64 number, struct pt_regs *unused)
{
	asm volatile("" : "+r"(number));
	return number;
}

static __attribute__((noinline)) int through(struct pt_regs *ctx)
{
	return stub_unused(PT_REGS_PARM1(ctx), 1);
}

SEC("kprobe/__x64_sys_getpgid")
int drops_an_argument(struct pt_regs *ctx)
{
	return stub_unused(1, PT_REGS_PARM1(ctx));
}

SEC("kprobe/__x64_sys_getpgid")
int drops_it_in_a_static_function(struct pt_regs *ctx)
{
	return through(ctx);
}

SEC("kprobe/__x64_sys_getpgid")
int drops_it_behind_events(struct pt_regs *ctx)
{
	struct record *event = fc_reserve(struct record);

	if (event)
		fc_submit(event);
	return stub_unused(bpf_get_prandom_u32(), 1);
}

SEC("kprobe/__x64_sys_getpgid")
int drops_it_on_one_path(struct pt_regs *ctx)
{
	if ((PT_REGS_PARM1(ctx) & 0xffff0000) == GETPGID_MAGIC)
		return stub_unused(bpf_get_prandom_u32(), 1);
	return 0;
}

// The verifier knows that it never comes to the call.
SEC("kprobe/__x64_sys_getpgid")
int drops_it_where_nobody_comes(struct pt_regs *ctx)
{
	if (never)
		return stub_unused(1, 1);
	return 0;
}

SEC("kprobe/__x64_sys_getpgid")
int keeps_it(struct pt_regs *ctx)
{
	return stub_kept(1, PT_REGS_PARM1(ctx));
}

SEC("kprobe/__x64_sys_getpgid")
int passes_a_number_for_memory(struct pt_regs *ctx)
{
	return stub_record((struct record *)PT_REGS_PARM1(ctx));
}

SEC("kprobe/__x64_sys_getpgid")
int passes_the_context_for_memory(struct pt_regs *ctx)
{
	return stub_record((struct record *)ctx);
}

SEC("kprobe/__x64_sys_getpgid")
int passes_memory(struct pt_regs *ctx)
{
	struct record record = { 1, PT_REGS_PARM1(ctx) };

	return stub_record(&record);
}

SEC("kprobe/__x64_sys_getpgid")
int passes_null(struct pt_regs *ctx)
{
	return stub_record(0);
}

SEC("kprobe/__x64_sys_getpgid")
int passes_the_context_for_a_number(struct pt_regs *ctx)
{
	return stub_number((__u64)ctx);
}

SEC("kprobe/__x64_sys_getpgid")
int passes_a_number_for_the_context(struct pt_regs *ctx)
{
	return stub_context((struct pt_regs *)PT_REGS_PARM1(ctx));
}

SEC("kprobe/__x64_sys_getpgid")
int passes_the_context(struct pt_regs *ctx)
{
	return stub_context(ctx);
}

SEC("kprobe/__x64_sys_getpgid")
int drops_memory(struct pt_regs *ctx)
{
	struct record record = { 1, 2 };

	return stub_unused_record(1, &record);
}

SEC("kprobe/__x64_sys_getpgid")
int drops_the_context(struct pt_regs *ctx)
{
	return stub_unused_context(1, ctx);
}

struct task_struct {
	int pid;
} __attribute__((preserve_access_index));

struct no_such_struct {
	int field;
} __attribute__((preserve_access_index));

// What the object says of fields is not what the kernel has: the verifier never comes to the call.
SEC("kprobe/__x64_sys_getpgid")
int drops_it_where_a_field_is_missing(struct pt_regs *ctx)
{
	struct no_such_struct *none = 0;

	if (bpf_core_field_exists(none->field))
		return stub_unused(1, 1);
	return 0;
}

// Nor here: every kernel's task has a pid.
SEC("kprobe/__x64_sys_getpgid")
int keeps_it_where_a_field_is_missing(struct pt_regs *ctx)
{
	struct task_struct *task = 0;

	if (!bpf_core_field_exists(task->pid))
		return stub_unused(1, 1);
	return stub_kept(1, 1);
}
