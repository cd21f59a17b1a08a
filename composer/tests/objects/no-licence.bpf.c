// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// An object whose author forgot the licence.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp") int prints_perhaps(struct xdp_md *ctx)
{
	if (ctx->rx_queue_index)
		bpf_printk("another queue");
	return XDP_PASS;
}

static __attribute__((noinline)) int deep(int number)
{
	asm volatile("" : "+r"(number));
	return number ? bpf_get_current_task() & 1 : 0;
}

SEC("kprobe") int looks_deep(void *ctx)
{
	return deep(0);
}

SEC("kprobe") int calls_nothing_kept(void *ctx)
{
	return bpf_get_smp_processor_id() & 1;
}
