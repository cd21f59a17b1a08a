// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Pointers to memory as arguments: what a replacement and a tracer may do with them.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

struct record { __u64 a, b; };

__attribute__((noinline)) int stub_record(struct record *record, __u64 n)
{
	int answer = 0;
	asm volatile("" : "+r"(answer) : "r"(record), "r"(n));
	return answer;
}

SEC("kprobe")
int host(struct pt_regs *ctx)
{
	struct record record = { 1, 2 };

	return stub_record(&record, 3);
}

#define REPLACEMENT(name, ...) \
	SEC("freplace") \
	int replace_##name(struct record *record, __u64 n) \
	{ \
		__VA_ARGS__; \
		return 0; \
	}
#define USE(value) asm volatile("" ::"r"(value))
REPLACEMENT(untouched, )
REPLACEMENT(untested, USE(record->a))
REPLACEMENT(untested_write, record->a = 1)
REPLACEMENT(tested, if (record) USE(record->b))
REPLACEMENT(tested_early, if (!record) return 0; USE(record->a); record->b = n)
REPLACEMENT(tested_the_other_way, if (!record) USE(record->a))
REPLACEMENT(tested_late, USE(record->a); if (record) USE(record->b))
REPLACEMENT(tested_copy, struct record *copy = record; asm volatile("" : "+r"(copy)); if (copy) USE(record->a))
REPLACEMENT(past_the_end, if (record) USE(*((__u64 *)record + 2)))
REPLACEMENT(before_the_start, if (record) USE(*((__u64 *)record - 1)))
REPLACEMENT(half_past_the_end, if (record) USE(*(__u64 *)((char *)record + 12)))
REPLACEMENT(last_byte, if (record) USE(*((__u8 *)record + 15)))
REPLACEMENT(number_as_pointer, USE(*(__u64 *)n))
REPLACEMENT(by_helper, __u64 copy = 0; bpf_probe_read_kernel(&copy, 8, record); USE(copy))
REPLACEMENT(on_a_path, if (n > 5) USE(record->a))

/* fentry: the arguments are at ctx[0], ctx[1]; fexit: the result at ctx[2]. */
#define TRACER(moment, name, ...) \
	SEC(#moment) \
	int moment##_##name(__u64 *ctx) \
	{ \
		__VA_ARGS__; \
		return 0; \
	}
TRACER(fentry, number, USE(ctx[1]))
TRACER(fentry, pointer, USE(ctx[0]))
TRACER(fentry, dereferenced, USE(((struct record *)ctx[0])->a))
TRACER(fentry, third, USE(ctx[2]))
TRACER(fentry, sixth, USE(ctx[5]))
TRACER(fentry, half, USE(*(__u32 *)&ctx[1]))
TRACER(fentry, askew, USE(*(__u64 *)((char *)ctx + 4)))
TRACER(fentry, by_helper, __u64 value = 0; bpf_get_func_arg(ctx, 0, &value); USE(value))
TRACER(fentry, by_helper_followed, {
	__u64 value = 0;
	struct record record = {};
	bpf_get_func_arg(ctx, 0, &value);
	bpf_probe_read_kernel(&record, sizeof(record), (void *)value);
	USE(record.a);
})
TRACER(fentry, write, ctx[1] = 7)
TRACER(fexit, number, USE(ctx[1]))
TRACER(fexit, pointer, USE(ctx[0]))
TRACER(fexit, result, USE(ctx[2]))
TRACER(fexit, past_the_result, USE(ctx[3]))
TRACER(fexit, by_helper, __u64 value = 0; bpf_get_func_ret(ctx, &value); USE(value))
TRACER(fentry, result_by_helper, __u64 value = 0; bpf_get_func_ret(ctx, &value); USE(value))
