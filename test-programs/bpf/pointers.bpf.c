// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A stub that is given memory, and replacements that read it, or read past it.
#include "getpgid.h"

char LICENSE[] SEC("license") = "GPL";

struct record {
	__u64 a, b;
};

struct longer {
	struct record record;
	__u64 c;
};

const volatile __u32 never = 0;

FC_STUB int stub_record(struct record *record)
{
	return fc_stub(0, record);
}

__attribute__((noinline)) int reads_untested(struct record *record)
{
	return record->b;
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int host_of_record(struct getpgid_entry *ctx)
{
	struct record record = { 1, ctx->pid };

	return stub_record(&record);
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int host_that_reads_untested(struct getpgid_entry *ctx)
{
	struct record record = { 1, ctx->pid };

	return stub_record(&record) + reads_untested(&record);
}

SEC("freplace")
int tested(struct record *record)
{
	if (!record)
		return 0;
	return record->a + record->b;
}

SEC("freplace")
int untested(struct record *record)
{
	return record->a;
}

SEC("freplace")
int written_untested(struct record *record)
{
	record->b = 1;
	return 0;
}

SEC("freplace")
int tested_too_late(struct record *record)
{
	__u64 a = *(volatile __u64 *)&record->a;

	return record ? a : 0;
}

SEC("freplace")
int tested_on_one_path(struct record *record)
{
	if (bpf_get_prandom_u32() > 7 && !record)
		return 0;
	return record->a;
}

SEC("freplace")
int untested_where_nobody_comes(struct record *record)
{
	if (never)
		return record->a;
	return 0;
}

SEC("freplace")
int added_to_untested(struct record *record)
{
	__u64 *at = (__u64 *)record;

	asm volatile("%0 += 8" : "+r"(at));
	return record ? *at : 0;
}

SEC("freplace")
int beyond(struct record *record)
{
	if (!record)
		return 0;
	return *((volatile __u64 *)record + 2);
}

SEC("freplace")
int before(struct record *record)
{
	if (!record)
		return 0;
	return *((volatile __u64 *)record - 1);
}

SEC("freplace")
int across_the_end(struct record *record)
{
	if (!record)
		return 0;
	return *(volatile __u32 *)((char *)record + 12) + *(volatile __u16 *)((char *)record + 16);
}

SEC("freplace")
int last_byte(struct record *record)
{
	if (!record)
		return 0;
	return *((volatile __u8 *)record + 15);
}
