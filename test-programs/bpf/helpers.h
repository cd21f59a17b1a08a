/* SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0 */
/*
 * Calls of helpers that are there for some types of program or under some licences, in hosts, in a
 * replacement for a function of any of them, and in tracers. Whoever includes it has a LICENSE.
 */
#ifndef HELPERS_H
#define HELPERS_H

#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 never = 0;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} one SEC(".maps");

static __attribute__((noinline)) int in_static(__u64 number)
{
	__u64 found = bpf_get_current_uid_gid();

	asm volatile("" : "+r"(found), "+r"(number));
	return found + number;
}

__attribute__((noinline)) int in_global(__u64 number)
{
	__u64 found = bpf_get_current_uid_gid();

	asm volatile("" : "+r"(found), "+r"(number));
	return found + number;
}

static __always_inline __u64 behind_null(void)
{
	__u32 zero = 0;
	__u64 *value = bpf_map_lookup_elem(&one, &zero);

	return value ? bpf_get_current_uid_gid() : 0;
}

static __always_inline __u64 after_a_branch(__u64 number)
{
	if (number > 7)
		asm volatile("" : "+r"(number));
	return bpf_get_current_uid_gid() + number;
}

static __always_inline __u64 print(void)
{
	char text[] = "hi";

	return bpf_trace_printk(text, sizeof(text));
}

#define WAYS(X) \
	X(nothing, 0) \
	X(uid, bpf_get_current_uid_gid()) \
	X(pid, bpf_get_current_pid_tgid()) \
	X(redirect, bpf_redirect(1, 0)) \
	X(print, print()) \
	X(in_static, in_static(number)) \
	X(in_global, in_global(number)) \
	X(behind_null, behind_null()) \
	X(after_a_branch, after_a_branch(number)) \
	X(uid_never, never ? bpf_get_current_uid_gid() : 0) \
	X(redirect_never, never ? bpf_redirect(1, 0) : 0) \
	X(print_never, never ? print() : 0)

/* What is replaced; the hosts are at every hook. */
__attribute__((noinline)) int stub_value(__u64 number)
{
	int answer = 0;

	asm volatile("" : "+r"(answer), "+r"(number));
	return answer;
}

#define HOST(name, section, context) \
	SEC(section) \
	int host_##name(context *ctx) \
	{ \
		stub_value(1); \
		return 0; \
	}
HOST(kprobe, "kprobe", struct pt_regs)
HOST(tracepoint, "tracepoint/syscalls/sys_enter_getpgid", void)
HOST(raw_tracepoint, "raw_tracepoint/sys_enter", struct bpf_raw_tracepoint_args)
HOST(xdp, "xdp", struct xdp_md)

/* The result of a replacement is held to what the hook allows: 0 is good for all. */
#define REPLACEMENT(name, does) \
	SEC("freplace") \
	int replace_##name(__u64 number) \
	{ \
		__u64 found = does; \
		asm volatile("" : "+r"(found)); \
		return 0; \
	}
WAYS(REPLACEMENT)

#define TRACER(name, does) \
	SEC("fentry") \
	int trace_##name(__u64 *ctx) \
	{ \
		__u64 number = 0, found = does; \
		asm volatile("" : "+r"(found), "+r"(number)); \
		return 0; \
	}
WAYS(TRACER)

#define COOKIE(name, section) \
	SEC(section) \
	int cookie_##name(void *ctx) \
	{ \
		__u64 found = bpf_get_attach_cookie(ctx); \
		asm volatile("" : "+r"(found)); \
		return 0; \
	}
COOKIE(kprobe, "kprobe")
COOKIE(tracepoint, "tracepoint/syscalls/sys_enter_getpgid")
COOKIE(raw_tracepoint, "raw_tracepoint/sys_enter")
COOKIE(xdp, "xdp")

#endif
