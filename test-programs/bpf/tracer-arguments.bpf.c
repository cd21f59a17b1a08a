// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Functions with all kinds of arguments, and tracers that read them one by one.
#include "getpgid.h"

char LICENSE[] SEC("license") = "GPL";

struct record {
	__u64 a, b;
};

FC_STUB int of_numbers(__u32 first, __u64 second)
{
	return fc_stub(0, first, second);
}

FC_STUB int of_record(struct record *record, __u64 second)
{
	return fc_stub(0, record, second);
}

FC_STUB int of_context(struct pt_regs *ctx)
{
	return fc_stub(0, ctx);
}

FC_STUB int of_text(char *text)
{
	return fc_stub(0, text);
}

static __attribute__((noinline)) int of_nobody(__u64 first, struct record *record)
{
	asm volatile("" : "+r"(first) : "r"(record));
	return first;
}

SEC("kprobe/__x64_sys_getpgid")
int traced(struct pt_regs *ctx)
{
	struct record record = { 1, PT_REGS_PARM1(ctx) };
	char text = 1;

	of_numbers(1, record.b);
	of_record(&record, 2);
	of_context(ctx);
	of_text(&text);
	of_nobody(record.b, &record);
	return 0;
}

#define READS(name, kind, number) \
	SEC(kind) \
	int name(unsigned long long *ctx) \
	{ \
		asm volatile("" ::"r"(*(volatile __u64 *)(ctx + number))); \
		return 0; \
	}

READS(enters_0, "fentry", 0)
READS(enters_1, "fentry", 1)
READS(enters_2, "fentry", 2)
READS(enters_4, "fentry", 4)
READS(enters_5, "fentry", 5)
READS(enters_12, "fentry", 12)
READS(leaves_0, "fexit", 0)
READS(leaves_1, "fexit", 1)
READS(leaves_2, "fexit", 2)
READS(leaves_3, "fexit", 3)
READS(leaves_5, "fexit", 5)
READS(leaves_6, "fexit", 6)

SEC("fentry")
int enters_odd(void *ctx)
{
	asm volatile("" ::"r"(*(volatile __u32 *)(ctx + 4)));
	return 0;
}

SEC("fentry")
int enters_half(void *ctx)
{
	asm volatile("" ::"r"(*(volatile __u32 *)ctx));
	return 0;
}

SEC("fentry")
int enters_by_helper(void *ctx)
{
	__u64 record = 0, a = 0;

	bpf_get_func_arg(ctx, 0, &record);
	bpf_probe_read_kernel(&a, sizeof(a), (void *)record);
	return 0;
}
