// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Calls of helpers that not every program may call, surely and only perhaps.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "MIT";

const volatile __u32 never = 0;

__attribute__((noinline)) int stub_value(__u64 number)
{
	int answer = 0;

	asm volatile("" : "+r"(answer), "+r"(number));
	return answer;
}

SEC("xdp")
int at_packet(struct xdp_md *ctx)
{
	stub_value(1);
	return XDP_PASS;
}

SEC("kprobe")
int at_function(struct pt_regs *ctx)
{
	stub_value(1);
	return 0;
}

static __attribute__((noinline)) __u64 who(void)
{
	__u64 found = bpf_get_current_uid_gid();

	asm volatile("" : "+r"(found));
	return found;
}

SEC("freplace")
int asks(__u64 number)
{
	return who() + number;
}

SEC("freplace")
int asks_perhaps(__u64 number)
{
	return never ? who() : number;
}

// Taken from 6.12 on.
SEC("freplace")
int asks_for_pid(__u64 number)
{
	return bpf_get_current_pid_tgid() + number;
}

SEC("freplace")
int prints(__u64 number)
{
	bpf_printk("hello");
	return 0;
}

SEC("freplace")
int prints_perhaps(__u64 number)
{
	if (never)
		bpf_printk("hello");
	return 0;
}

SEC("fentry")
int redirects(void *ctx)
{
	return bpf_redirect(1, 0);
}
