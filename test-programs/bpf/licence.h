/* SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0 */
/* The same programs under one licence or another: LICENCE is what the object says. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>

#ifdef LICENCE
char LICENSE[] SEC("license") = LICENCE;
#endif

__attribute__((noinline)) int stub(struct xdp_md *ctx)
{
	int answer = 0;
	asm volatile("" : "+r"(answer) : "r"(ctx));
	return answer;
}

/* A helper for everyone, and one that is kept for GPL. */
#define FREE bpf_get_smp_processor_id()
#define KEPT bpf_get_current_task()

SEC("xdp")
int host_free(struct xdp_md *ctx)
{
	return (stub(ctx) & 0) + (FREE & 0);
}

SEC("xdp")
int host_kept(struct xdp_md *ctx)
{
	return (stub(ctx) & 0) + (KEPT & 0);
}

static __attribute__((noinline)) __u64 deep(void)
{
	return KEPT;
}

SEC("xdp")
int host_kept_deep(struct xdp_md *ctx)
{
	return deep() ? XDP_PASS : XDP_DROP;
}

SEC("kprobe")
int probe_free(struct pt_regs *ctx)
{
	return FREE & 0;
}

SEC("kprobe")
int probe_kept(struct pt_regs *ctx)
{
	return KEPT & 0;
}

SEC("freplace")
int replace_free(struct xdp_md *ctx)
{
	return FREE & 0;
}

SEC("freplace")
int replace_kept(struct xdp_md *ctx)
{
	return KEPT & 0;
}

SEC("fentry")
int fentry_free(void *ctx)
{
	return FREE & 0;
}

SEC("fexit")
int fexit_kept(void *ctx)
{
	return KEPT & 0;
}
