// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// What programs answer, where the hook bounds it: hosts, replacements, tracers.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

/* A stub for each kind of hook; what the host makes of its answer. */
#define STUB(name) \
	__attribute__((noinline)) int stub_##name(__u64 n) \
	{ \
		int answer = 0; \
		asm volatile("" : "+r"(answer) : "r"(n)); \
		return answer; \
	}
STUB(own)

#define HOST(name, section, context, answer) \
	SEC(section) \
	int host_##name(context *ctx) \
	{ \
		return answer; \
	}
#define HOSTS(name, section, context) \
	HOST(name##_zero, section, context, (stub_own(1), 0)) \
	HOST(name##_one, section, context, (stub_own(1), 1)) \
	HOST(name##_two, section, context, (stub_own(1), 2)) \
	HOST(name##_minus_one, section, context, (stub_own(1), -1)) \
	HOST(name##_stubs, section, context, stub_own(1)) \
	HOST(name##_either, section, context, stub_own(1) ? 1 : 0)

HOSTS(kprobe, "kprobe", struct pt_regs)
HOSTS(tracepoint, "tracepoint/syscalls/sys_enter_getpgid", void)
HOSTS(raw_tracepoint, "raw_tracepoint/sys_enter", struct bpf_raw_tracepoint_args)
HOSTS(xdp, "xdp", struct xdp_md)

#define REPLACEMENT(name, answer) \
	SEC("freplace") \
	int replace_##name(__u64 n) \
	{ \
		return answer; \
	}
REPLACEMENT(zero, 0)
REPLACEMENT(one, 1)
REPLACEMENT(two, 2)
REPLACEMENT(seven, 7)
REPLACEMENT(minus_one, -1)
REPLACEMENT(argument, n)
REPLACEMENT(zero_or_one, n > 5 ? 1 : 0)
REPLACEMENT(zero_by_and, n & 0)
REPLACEMENT(zero_on_both, ({ int a = n > 5 ? 0 : 0; asm volatile("" ::"r"(n)); a; }))
REPLACEMENT(from_helper, bpf_get_smp_processor_id())

#define TRACER(moment, name, answer) \
	SEC(#moment) \
	int moment##_##name(void *ctx) \
	{ \
		return answer; \
	}
#define TRACERS(moment) \
	TRACER(moment, zero, 0) \
	TRACER(moment, one, 1) \
	TRACER(moment, minus_one, -1) \
	TRACER(moment, from_helper, bpf_get_smp_processor_id())
TRACERS(fentry)
TRACERS(fexit)
