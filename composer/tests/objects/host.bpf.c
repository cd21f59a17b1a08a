// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Two hosts and every kind of function that one could take for a stub.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

__attribute__((noinline)) int stub_one(__u64 number)
{
	asm volatile("" : "+r"(number));
	return number;
}

__attribute__((noinline)) int stub_two(__u64 number, __u32 more)
{
	asm volatile("" : "+r"(number), "+r"(more));
	return number + more;
}

static __attribute__((noinline)) int helper(__u64 number)
{
	asm volatile("" : "+r"(number));
	return number;
}

// clang sees that it always returns 0: no call of it is left.
__attribute__((noinline)) int stub_folded(__u64 number)
{
	return 0;
}

SEC("kprobe/tcp_connect")
int first(void *ctx)
{
	return stub_one(1) + helper(2) + stub_folded(3);
}

SEC("kprobe/tcp_connect")
int second(void *ctx)
{
	return stub_two(1, 2);
}
