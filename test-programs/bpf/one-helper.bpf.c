// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// One helper each, in programs of every type, in a replacement and in tracers.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 8);
} helper_stacks SEC(".maps");

/* Calls by number, with arguments that fit. */
#define HELPERS(X) \
	X(map_time, bpf_ktime_get_ns()) \
	X(random, bpf_get_prandom_u32()) \
	X(pid, bpf_get_current_pid_tgid()) \
	X(task, (void)(bpf_get_current_task() & 1)) \
	X(boot_time, bpf_ktime_get_boot_ns()) \
	X(jiffies, bpf_jiffies64()) \
	X(tail, bpf_xdp_adjust_tail((void *)ctx, 0)) \
	X(load_bytes, ({ __u8 byte; bpf_skb_load_bytes((void *)ctx, 0, &byte, 1); })) \
	X(redirect, bpf_redirect(1, 0)) \
	X(stack, bpf_get_stackid(ctx, &helper_stacks, 0)) \
	X(cookie, bpf_get_attach_cookie(ctx)) \
	X(function, bpf_get_func_ip(ctx)) \
	X(argument, ({ __u64 value; bpf_get_func_arg(ctx, 0, &value); })) \
	X(signal, bpf_send_signal(0)) \
	X(print, bpf_printk("%d", 1)) \
	X(cgroup, bpf_get_current_cgroup_id()) \
	X(numa, bpf_get_numa_node_id())

#define PROGRAM(name, section, call) \
	SEC(section) \
	int name(void *ctx) \
	{ \
		call; \
		return 0; \
	}
#define PROGRAMS(name, call) \
	PROGRAM(kprobe_##name, "kprobe", call) \
	PROGRAM(tracepoint_##name, "tracepoint/syscalls/sys_enter_getpgid", call) \
	PROGRAM(raw_tracepoint_##name, "raw_tracepoint/sys_enter", call) \
	PROGRAM(xdp_##name, "xdp", call) \
	PROGRAM(fentry_##name, "fentry", call) \
	PROGRAM(fexit_##name, "fexit", call)
HELPERS(PROGRAMS)

/* Replacements, for a stub that takes the context. */
#define REPLACEMENT(name, call) \
	SEC("freplace") \
	int replace_xdp_##name(struct xdp_md *ctx) \
	{ \
		call; \
		return 0; \
	} \
	SEC("freplace") \
	int replace_kprobe_##name(struct pt_regs *ctx) \
	{ \
		call; \
		return 0; \
	}
HELPERS(REPLACEMENT)

#define HOST(name, section, context) \
	__attribute__((noinline)) int stub_##name(context *ctx) \
	{ \
		int answer = 0; \
		asm volatile("" : "+r"(answer) : "r"(ctx)); \
		return answer; \
	} \
	SEC(section) \
	int host_##name(context *ctx) \
	{ \
		return stub_##name(ctx) & 0; \
	}
HOST(xdp, "xdp", struct xdp_md)
HOST(kprobe, "kprobe", struct pt_regs)
