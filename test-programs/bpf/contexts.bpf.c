// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Programs whose entry is written with one context or another, and replacements of the same.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct own { __u64 a; };
typedef struct xdp_md my_xdp_md;
struct bpf_perf_event_data;

#define ENTRY(name, section, context) \
	SEC(section) \
	int host_##name(context *ctx) \
	{ \
		return 0; \
	} \
	SEC("freplace") \
	int replace_##name(context *ctx) \
	{ \
		return 0; \
	}

ENTRY(xdp, "xdp", struct xdp_md)
ENTRY(xdp_typedef, "xdp", my_xdp_md)
ENTRY(xdp_constant, "xdp", const struct xdp_md)
ENTRY(xdp_void, "xdp", void)
ENTRY(xdp_own, "xdp", struct own)
ENTRY(xdp_registers, "xdp", struct pt_regs)
ENTRY(kprobe, "kprobe", struct pt_regs)
ENTRY(kprobe_void, "kprobe", void)
ENTRY(kprobe_own, "kprobe", struct own)
ENTRY(kretprobe, "kretprobe", struct pt_regs)
ENTRY(tracepoint, "tracepoint/syscalls/sys_enter_getpgid", struct own)
ENTRY(tracepoint_void, "tracepoint/syscalls/sys_enter_getpgid", void)
ENTRY(raw_tracepoint, "raw_tracepoint/sys_enter", struct bpf_raw_tracepoint_args)
ENTRY(raw_tracepoint_void, "raw_tracepoint/sys_enter", void)
ENTRY(raw_tracepoint_own, "raw_tracepoint/sys_enter", struct own)

SEC("xdp")
int host_bytes(__u8 *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int host_number(__u64 ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int host_nothing(void)
{
	return XDP_PASS;
}

SEC("freplace")
int replace_nothing(void)
{
	return XDP_PASS;
}
