// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Programs that write lines to the kernel's trace, as tutorials do. Fired as foreign.bpf.c is.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct getpgid_entry {
	__u64 common;
	long number;
	long pid;
};

#define VALUE(ctx) ((__u32)((ctx)->pid & 0xffff))
#define IS_OURS(ctx) (((ctx)->pid & 0xffff0000) == 0x46430000)

SEC("tracepoint/syscalls/sys_enter_getpgid")
int says_hello(struct getpgid_entry *ctx)
{
	if (IS_OURS(ctx))
		bpf_printk("hello %d of %s", VALUE(ctx), "hello");
	return 0;
}

/* Ends its line itself, as many do, and writes two. */
SEC("tracepoint/syscalls/sys_enter_getpgid")
int says_bye(struct getpgid_entry *ctx)
{
	if (IS_OURS(ctx))
		bpf_printk("bye %x\nand more\n", VALUE(ctx));
	return 0;
}

/* Has the format of says_hello, so their lines cannot be told apart. */
SEC("tracepoint/syscalls/sys_enter_getpgid")
int says_hello_too(struct getpgid_entry *ctx)
{
	if (IS_OURS(ctx))
		bpf_printk("hello %d of %s", VALUE(ctx), "hello too");
	return 0;
}

/* Makes its format on the stack, where it cannot be read. */
SEC("tracepoint/syscalls/sys_enter_getpgid")
int mumbles(struct getpgid_entry *ctx)
{
	char format[] = "mm %d";

	if (IS_OURS(ctx))
		bpf_trace_printk(format, sizeof(format), VALUE(ctx));
	return 0;
}

/* 64 lines a call, more than a reader that stands still leaves room for. */
SEC("tracepoint/syscalls/sys_enter_getpgid")
int says_much(struct getpgid_entry *ctx)
{
	int number;

	if (!IS_OURS(ctx))
		return 0;
	for (number = 0; number < 64; number++)
		bpf_printk("much %d", VALUE(ctx));
	return 0;
}
