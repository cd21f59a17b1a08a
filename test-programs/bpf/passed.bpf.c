// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Hosts that call a stub with an argument it wants, or with one that is not what it wants. Each has
// a stub and a replacement of its own: the kernel judges the host.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

struct record { __u64 a, b; };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct record);
} argument_records SEC(".maps");

#define KEEP0() asm volatile("")
#define KEEP1(a) asm volatile("" ::"r"(a))
#define KEEP2(a, b) asm volatile("" ::"r"(a), "r"(b))
#define KEEP3(a, b, c) asm volatile("" ::"r"(a), "r"(b), "r"(c))

/* A stub that keeps what `keep` says, its replacement, and its host. */
#define CASE(name, section, context, parameters, keep, ...) \
	__attribute__((noinline)) int stub_##name parameters \
	{ \
		int answer = 0; \
		keep; \
		asm volatile("" : "+r"(answer)); \
		return answer; \
	} \
	SEC("freplace") \
	int replace_##name parameters \
	{ \
		return 0; \
	} \
	SEC(section) \
	int host_##name(context *ctx) \
	{ \
		__VA_ARGS__; \
		return 0; \
	}
#define XDP(name, parameters, keep, ...) \
	CASE(name, "xdp", struct xdp_md, parameters, keep, __VA_ARGS__)
#define KPROBE(name, parameters, keep, ...) \
	CASE(name, "kprobe", struct pt_regs, parameters, keep, __VA_ARGS__)

#define CONTEXT struct xdp_md *ctx

/* All is passed. */
XDP(all, (CONTEXT, __u32 n), KEEP2(ctx, n), stub_all(ctx, 5))
XDP(three, (CONTEXT, __u32 n, __u64 m), KEEP3(ctx, n, m), stub_three(ctx, 5, ctx->data_end - ctx->data))
/* The stub does not use the context: it is in r1 all the same, as nothing has touched it. */
XDP(unused_context, (CONTEXT, __u32 n), KEEP1(n), stub_unused_context(ctx, 5))
/* It was touched here. */
XDP(unused_context_late, (CONTEXT, __u32 n), KEEP1(n),
    stub_unused_context_late(ctx, bpf_get_smp_processor_id()))
/* The stub does not use a number: the register is not set. */
XDP(unused_number, (CONTEXT, __u32 n), KEEP1(ctx), stub_unused_number(ctx, 5))
XDP(unused_number_late, (CONTEXT, __u32 n), KEEP1(ctx),
    stub_unused_number_late(ctx, bpf_get_smp_processor_id()))
XDP(unused_middle, (CONTEXT, __u32 n, __u64 m), KEEP2(ctx, m), stub_unused_middle(ctx, 5, 6))
XDP(unused_all, (CONTEXT, __u32 n, __u64 m), KEEP0(), stub_unused_all(ctx, 5, 6))
XDP(unused_by_chance, (CONTEXT, __u32 n), KEEP1(ctx),
    { asm volatile("r2 = 1" ::: "r2"); stub_unused_by_chance(ctx, 5); })
/* The only one is the number. */
XDP(unused_only, (__u32 n), KEEP0(), stub_unused_only(5))
XDP(only, (__u32 n), KEEP1(n), stub_only(5))
/* On one of two paths the register is not set. */
XDP(unused_on_a_path, (CONTEXT, __u32 n), KEEP1(ctx), {
	if (ctx->ingress_ifindex == 77)
		asm volatile("r2 = 1" ::: "r2");
	stub_unused_on_a_path(ctx, 5);
})

/* Memory: of the stack, of a map, tested and not, too small, and no memory at all. */
#define RECORD (struct record *record)
KPROBE(stack, RECORD, KEEP1(record), {
	struct record record = { 1, 2 };
	stub_stack(&record);
})
KPROBE(stack_too_small, RECORD, KEEP1(record), {
	__u64 small = 1;
	stub_stack_too_small((void *)&small);
})
KPROBE(stack_unset, RECORD, KEEP1(record), {
	struct record record;
	asm volatile("" ::"r"(&record));
	stub_stack_unset(&record);
})
KPROBE(map_value, RECORD, KEEP1(record), {
	__u32 zero = 0;
	struct record *found = bpf_map_lookup_elem(&argument_records, &zero);
	if (found)
		stub_map_value(found);
})
KPROBE(map_value_untested, RECORD, KEEP1(record), {
	__u32 zero = 0;
	stub_map_value_untested(bpf_map_lookup_elem(&argument_records, &zero));
})
KPROBE(map_value_end, RECORD, KEEP1(record), {
	__u32 zero = 0;
	struct record *found = bpf_map_lookup_elem(&argument_records, &zero);
	if (found)
		stub_map_value_end((void *)&found->b);
})
KPROBE(null, RECORD, KEEP1(record), stub_null((void *)0))
KPROBE(kernel_pointer, RECORD, KEEP1(record), stub_kernel_pointer((void *)PT_REGS_PARM1(ctx)))
KPROBE(kernel_pointer_as_number, (__u64 record), KEEP1(record),
       stub_kernel_pointer_as_number(PT_REGS_PARM1(ctx)))
KPROBE(context_as_number, (__u64 n), KEEP1(n), stub_context_as_number((__u64)ctx))
KPROBE(stack_as_number, (__u64 n), KEEP1(n), {
	__u64 value = 1;
	stub_stack_as_number((__u64)&value);
})
KPROBE(number_as_context, (struct pt_regs *of), KEEP1(of),
       stub_number_as_context((void *)PT_REGS_PARM1(ctx)))
KPROBE(context, (struct pt_regs *of), KEEP1(of), stub_context(ctx))
KPROBE(stack_as_context, (struct pt_regs *of), KEEP1(of), {
	struct pt_regs regs = {};
	stub_stack_as_context(&regs);
})
KPROBE(context_moved, (struct pt_regs *of), KEEP1(of), stub_context_moved((void *)ctx + 8))

/* The same in a function that the host calls. */
static __attribute__((noinline)) int inner(struct xdp_md *ctx);
XDP(inner_unused, (CONTEXT, __u32 n), KEEP1(ctx), inner(ctx))
static __attribute__((noinline)) int inner(struct xdp_md *ctx)
{
	return stub_inner_unused(ctx, 5);
}
