// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Programs that would go on in another, by a table that nobody fills.
#include "getpgid.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next_program SEC(".maps");

FC_STUB int stub_tail(__u64 value)
{
	return fc_stub(0, value);
}

// A tail call may change a packet, and a replacement may do so only where the stub does.
FC_STUB int stub_of_context(struct pt_regs *ctx)
{
	bpf_tail_call(ctx, &next_program, 0);
	return fc_stub(0, ctx);
}

SEC("kprobe/__x64_sys_getpgid")
int tail_of_kprobe(struct pt_regs *ctx)
{
	stub_tail(1);
	stub_of_context(ctx);
	bpf_tail_call(ctx, &next_program, 0);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int tail_of_tracepoint(struct getpgid_entry *ctx)
{
	stub_tail(1);
	bpf_tail_call(ctx, &next_program, 0);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int plain_tracepoint(struct getpgid_entry *ctx)
{
	stub_tail(1);
	return 0;
}

static __attribute__((noinline)) void goes_on(void *ctx)
{
	bpf_tail_call(ctx, &next_program, 0);
}

SEC("kprobe/__x64_sys_getpgid")
int tail_in_void(struct pt_regs *ctx)
{
	stub_tail(1);
	goes_on(ctx);
	return 0;
}

SEC("freplace")
int tail_of_replacement(struct pt_regs *ctx)
{
	bpf_tail_call(ctx, &next_program, 0);
	return 0;
}

SEC("fentry")
int tail_of_tracer(void *ctx)
{
	bpf_tail_call(ctx, &next_program, 0);
	return 0;
}

SEC("fentry")
int tail_of_another_tracer(void *ctx)
{
	bpf_tail_call(ctx, &next_program, 0);
	return 0;
}
