// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Maps whose values hold a lock or a timer, used by programs of every type and by replacements.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define NOINLINE __attribute__((noinline))

struct counter {
	struct bpf_spin_lock lock;
	__u32 count;
};

struct waker {
	__u64 count;
	struct bpf_timer timer;
};

#define ARRAY(name, type_of_value) \
	struct { \
		__uint(type, BPF_MAP_TYPE_ARRAY); \
		__uint(max_entries, 1); \
		__type(key, __u32); \
		__type(value, type_of_value); \
	} name SEC(".maps")

ARRAY(counters, struct counter);
ARRAY(wakers, struct waker);
ARRAY(plain, struct { __u64 count; });

static __always_inline int lock(void)
{
	__u32 zero = 0;
	struct counter *found = bpf_map_lookup_elem(&counters, &zero);

	if (!found)
		return 0;
	bpf_spin_lock(&found->lock);
	found->count++;
	bpf_spin_unlock(&found->lock);
	return 0;
}

/* Looks at a value and leaves its timer alone. */
static __always_inline int wake(void)
{
	__u32 zero = 0;
	struct waker *found = bpf_map_lookup_elem(&wakers, &zero);

	if (found)
		found->count++;
	return 0;
}

static __always_inline int count(void)
{
	__u32 zero = 0;
	__u64 *found = bpf_map_lookup_elem(&plain, &zero);

	if (found)
		++*found;
	return 0;
}

/* A static function that is called, so that the map is not in the program's own code. */
static NOINLINE int lock_below(void)
{
	return lock();
}

#define PROGRAMS(name, section, context, pass) \
	SEC(section) \
	int host_##name(context *ctx) \
	{ \
		return pass; \
	} \
	SEC(section) \
	int lock_##name(context *ctx) \
	{ \
		return lock() + pass; \
	} \
	SEC(section) \
	int wake_##name(context *ctx) \
	{ \
		return wake() + pass; \
	} \
	SEC("freplace") \
	int replace_count_##name(context *ctx) \
	{ \
		return count() + pass; \
	} \
	SEC("freplace") \
	int replace_lock_##name(context *ctx) \
	{ \
		return lock() + pass; \
	} \
	SEC("freplace") \
	int replace_lock_below_##name(context *ctx) \
	{ \
		return lock_below() + pass; \
	} \
	SEC("freplace") \
	int replace_wake_##name(context *ctx) \
	{ \
		return wake() + pass; \
	}

PROGRAMS(xdp, "xdp", struct xdp_md, XDP_PASS)
PROGRAMS(kprobe, "kprobe", struct pt_regs, 0)
PROGRAMS(raw_tracepoint, "raw_tracepoint", struct bpf_raw_tracepoint_args, 0)

SEC("tracepoint")
int lock_tracepoint(void *ctx)
{
	return lock();
}

SEC("tracepoint")
int wake_tracepoint(void *ctx)
{
	return wake();
}

SEC("fentry")
int lock_tracer(void *ctx)
{
	return lock();
}

SEC("fentry")
int wake_tracer(void *ctx)
{
	return wake();
}

/* A host that uses none of the maps, and goes on in a program that does. */
#define TABLE(name, section, context, pass) \
	struct { \
		__uint(type, BPF_MAP_TYPE_PROG_ARRAY); \
		__uint(max_entries, 1); \
		__uint(key_size, sizeof(__u32)); \
		__array(values, int(context *)); \
	} to_##name SEC(".maps") = { .values = { (void *)&lock_##name } }; \
	SEC(section) \
	int enter_##name(context *ctx) \
	{ \
		bpf_tail_call(ctx, &to_##name, 0); \
		return pass; \
	}

TABLE(xdp, "xdp", struct xdp_md, XDP_PASS)
TABLE(kprobe, "kprobe", struct pt_regs, 0)
