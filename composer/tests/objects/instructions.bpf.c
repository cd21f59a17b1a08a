// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Programs whose instructions the verifier refuses, each for another reason.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct request {
	__u64 number;
	__u32 length;
};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next_program SEC(".maps");

const volatile __u32 strict = 0;

// It does not use what it is given second, so clang does not pass it.
__attribute__((noinline)) int stub_dropped(__u64 number, __u64 dropped)
{
	asm volatile("" : "+r"(number));
	return number;
}

__attribute__((noinline)) int stub_request(struct request *request)
{
	asm volatile("" ::"r"(request));
	return 0;
}

__attribute__((noinline)) int stub_number(__u64 number)
{
	int result = 0;

	asm volatile("" : "+r"(result) : "r"(number));
	return result;
}

SEC("kprobe/tcp_connect")
int drops(void *ctx)
{
	return stub_dropped(1, 2);
}

SEC("kprobe/tcp_connect")
int passes_a_number(unsigned long long *ctx)
{
	return stub_request((struct request *)ctx[14]);
}

SEC("kprobe/tcp_connect")
int passes_a_request(void *ctx)
{
	struct request request = { 1, 2 };

	return stub_request(&request);
}

SEC("raw_tracepoint/sys_enter")
int enters(struct bpf_raw_tracepoint_args *ctx)
{
	return stub_number(ctx->args[1]);
}

SEC("freplace")
int seven(__u64 number)
{
	return 7;
}

SEC("freplace")
int by_a_constant(__u64 number)
{
	return strict ? 1 : 0;
}

SEC("freplace")
int untested(struct request *request)
{
	return request->number;
}

SEC("freplace")
int beyond(struct request *request)
{
	if (!request)
		return 0;
	return *(volatile __u64 *)(request + 1);
}

SEC("fentry")
int reads_the_request(unsigned long long *ctx)
{
	asm volatile("" ::"r"(*(volatile __u64 *)ctx));
	return 0;
}

SEC("fexit")
int reads_more_than_there_is(unsigned long long *ctx)
{
	asm volatile("" ::"r"(*(volatile __u64 *)(ctx + 2)));
	return 1;
}

SEC("kprobe/tcp_connect")
int goes_on(void *ctx)
{
	bpf_tail_call(ctx, &next_program, 0);
	return 0;
}

SEC("raw_tracepoint/sys_enter")
int goes_on_elsewhere(void *ctx)
{
	bpf_tail_call(ctx, &next_program, 0);
	return 0;
}
