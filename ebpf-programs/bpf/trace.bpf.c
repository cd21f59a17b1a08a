// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The built-in tracer: what is called, with what, what it returns and how long it takes.
//
// One source for every function of every program. What is taken from a call stands in `fc_trace`,
// which the composer sets before loading. It is frozen then, so the verifier knows it and drops
// all that this one tracer does not do: the loops below are unrolled and end where the table does.
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <freplace_compose.h>
#include "trace.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

const volatile struct fc_trace fc_trace = {};
// Of a program that is both at the entry and at the return: what it does at the entry.
const volatile struct fc_trace fc_trace_entry = {};

// Linux 7.0: of a program at both moments, which one it is, and a place for each call from the first to the
// second.
extern bool bpf_session_is_return(void *ctx) __ksym;
extern __u64 *bpf_session_cookie(void *ctx) __ksym;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fc_times);
} fc_times SEC(".maps");

// What was read of a call.
struct call {
	__u64 values[FC_TRACE_VALUES];
	__u64 unread; // a bit for each value that could not be read, or what it points to
};

static __always_inline struct fc_times *times(void)
{
	__u32 node = fc_node;

	return bpf_map_lookup_elem(&fc_times, &node);
}

// The context is a place on the stack, the same on the way in and on the way out and nobody else's
// in between: it tells which entry an exit belongs to, whatever interrupts and whatever is attached
// in the middle of a call.
static __always_inline void began(void *ctx)
{
	struct fc_times *all = times();
	struct fc_time *own;

	if (!all)
		return;
	own = &all->times[all->next++ % FC_TRACE_TIMES];
	own->call = (__u64)ctx;
	own->at = bpf_ktime_get_ns();
}

// Forgets the entry that an exit belongs to; when that was, or 0.
static __always_inline __u64 ended(void *ctx, struct fc_times *all)
{
	__u32 next = all->next - 1;

#pragma clang loop unroll(full)
	for (int back = 0; back < FC_TRACE_TIMES; back++) {
		struct fc_time *own = &all->times[(next - back) % FC_TRACE_TIMES];

		if (own->call == (__u64)ctx) {
			own->call = 0;
			all->next = next - back;
			return own->at;
		}
	}
	return 0;
}

// How long the call was. It goes through the map, so that no path has a constant for the verifier:
// before Linux 6.8 that does not follow one which is kept on the stack and read by way of another
// register than r10, and takes a comparison with it for decided on every other path too.
static __always_inline __u64 took(void *ctx, struct fc_times *all, __u64 now)
{
	__u64 at = ended(ctx, all);

	*(volatile __u64 *)&all->took = at ? now - at : FC_TRACE_UNKNOWN;
	return *(volatile __u64 *)&all->took;
}

// Reads the values that the filter looks at, or those that it does not.
static __always_inline void read_values(void *ctx, const volatile struct fc_trace *trace,
					struct call *call, int tested, __u64 took)
{
	int count = trace->value_count, bits = trace->tested;

#pragma clang loop unroll(full)
	for (int i = 0; i < FC_TRACE_VALUES; i++) {
		const volatile struct fc_trace_value *from = &trace->values[i];
		__u64 value = 0;
		__u8 source, hops;

		if (i >= count)
			break;
		if ((bits >> i & 1) != tested)
			continue;
		source = from->source;
		hops = from->hop_count;
		if (source == FC_TRACE_TOOK)
			value = took;
		else if (source == FC_TRACE_RET)
			bpf_get_func_ret(ctx, &value);
		else
			bpf_get_func_arg(ctx, source, &value);
#pragma clang loop unroll(full)
		for (int hop = 0; hop < FC_TRACE_HOPS; hop++) {
			__u64 at = value + from->hops[hop].offset;

			if (hop >= hops)
				break;
			value = 0;
			if (bpf_probe_read_kernel(&value, from->hops[hop].size, (void *)at)) {
				call->unread |= 1ULL << i;
				break;
			}
		}
		call->values[i] = value;
	}
}

// Whether the filter lets the call through: tests that each lead on to a later one, or to an end.
static __always_inline int is_wanted(const volatile struct fc_trace *trace, struct call *call)
{
	__u32 at = 0, count = trace->test_count;

	if (!count)
		return 1;
#pragma clang loop unroll(full)
	for (__u32 i = 0; i < FC_TRACE_TESTS; i++) {
		const volatile struct fc_trace_test *test = &trace->tests[i];
		__u64 constant, value;
		__u8 number, shift, relations;
		int holds;

		if (i >= count)
			break;
		if (at != i)
			continue;
		constant = test->constant;
		number = test->value;
		shift = test->shift;
		relations = test->relations;
		value = call->values[number % FC_TRACE_VALUES] << shift;
		if (test->reads && call->unread >> number & 1)
			holds = 0;
		else if (test->is_signed) {
			__s64 left = (__s64)value >> shift, right = constant;

			holds = left < right    ? FC_TRACE_LESS
				: left == right ? FC_TRACE_EQUAL
						: FC_TRACE_GREATER;
		} else {
			value >>= shift;
			holds = value < constant    ? FC_TRACE_LESS
				: value == constant ? FC_TRACE_EQUAL
						    : FC_TRACE_GREATER;
		}
		at = holds & relations ? test->if_true : test->if_false;
	}
	return at != FC_TRACE_DROP;
}

// Whether the time is wanted before the filter: where there is none, or where it looks at the
// duration. Otherwise a call that is filtered out is not to pay for the clock.
static __always_inline int is_timed_first(const volatile struct fc_trace *trace)
{
	if (!trace->test_count)
		return 1;
#pragma clang loop unroll(full)
	for (int i = 0; i < FC_TRACE_VALUES; i++) {
		if (i >= trace->value_count)
			break;
		if (trace->values[i].source == FC_TRACE_TOOK && trace->tested >> i & 1)
			return 1;
	}
	return 0;
}

static __always_inline void tell(const volatile struct fc_trace *trace, struct call *call, __u64 now)
{
	void *payload = fc__reserve_at(trace->size, trace->type, now);

	if (!payload)
		return;
#pragma clang loop unroll(full)
	for (int i = 0; i < FC_TRACE_VALUES; i++) {
		const volatile struct fc_trace_value *from = &trace->values[i];

		if (i >= trace->value_count)
			break;
		if (from->to != FC_TRACE_NOWHERE)
			*(__u64 *)(payload + from->to) = call->values[i];
		if (from->block_size) {
			void *block = (void *)call->values[i] + from->block_offset;

			if (bpf_probe_read_kernel(payload + from->block_to, from->block_size, block))
				call->unread |= 1ULL << i;
		}
	}
	if (trace->unread_to != FC_TRACE_NOWHERE)
		*(__u64 *)(payload + trace->unread_to) = call->unread;
	fc_submit(payload);
}

// Tells of the entry, where that is asked for; whether an exit wants to know when the call began.
static __always_inline int enter(void *ctx, const volatile struct fc_trace *trace)
{
	struct call call;

	if (trace->tells) {
		call.unread = 0;
		read_values(ctx, trace, &call, 1, 0);
		if (is_wanted(trace, &call)) {
			__u64 now = bpf_ktime_get_ns();

			read_values(ctx, trace, &call, 0, 0);
			tell(trace, &call, now);
		}
	}
	return trace->times;
}

SEC("fentry")
int trace_entry(void *ctx)
{
	if (enter(ctx, &fc_trace))
		began(ctx);
	return 0;
}

SEC("fexit")
int trace_exit(void *ctx)
{
	const volatile struct fc_trace *trace = &fc_trace;
	__u64 now = 0, lasted = 0;
	struct fc_times *all;
	struct call call;

	all = times();
	if (!all)
		return 0;
	if (is_timed_first(trace)) {
		now = bpf_ktime_get_ns();
		lasted = took(ctx, all, now);
	}
	call.unread = 0;
	read_values(ctx, trace, &call, 1, lasted);
	if (!is_wanted(trace, &call)) {
		if (!is_timed_first(trace))
			ended(ctx, all);
		return 0;
	}
	if (!is_timed_first(trace)) {
		now = bpf_ktime_get_ns();
		lasted = took(ctx, all, now);
	}
	read_values(ctx, trace, &call, 0, lasted);
	tell(trace, &call, now);
	return 0;
}

// Both in one, where the kernel keeps the time of the entry for the call itself.
SEC("fsession")
int trace_session(void *ctx)
{
	const volatile struct fc_trace *trace = &fc_trace;
	__u64 now = 0, lasted = FC_TRACE_UNKNOWN;
	__u64 *began = bpf_session_cookie(ctx);
	struct call call;

	if (!bpf_session_is_return(ctx)) {
		if (enter(ctx, &fc_trace_entry))
			*began = bpf_ktime_get_ns();
		return 0;
	}
	if (is_timed_first(trace)) {
		now = bpf_ktime_get_ns();
		if (*began)
			lasted = now - *began;
	}
	call.unread = 0;
	read_values(ctx, trace, &call, 1, lasted);
	if (!is_wanted(trace, &call))
		return 0;
	if (!is_timed_first(trace)) {
		now = bpf_ktime_get_ns();
		if (*began)
			lasted = now - *began;
	}
	read_values(ctx, trace, &call, 0, lasted);
	tell(trace, &call, now);
	return 0;
}
