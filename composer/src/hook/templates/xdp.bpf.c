// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "freplace_compose.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* An event is any struct: its fields are shown by name, `ret` as `= value`. */
struct NAME_event {
	__u32 length;
	__be16 protocol; /* 2048 (0x0800) is IPv4 */
	enum xdp_action ret;
};

/* A stub: a replacement for it determines the verdict for each frame. */
FC_STUB int NAME_verdict(struct xdp_md *ctx)
{
	return fc_stub(XDP_PASS, ctx);
}

SEC("xdp")
int on_NAME(struct xdp_md *ctx)
{
	__u64 outer = fc_enter();
	int verdict = NAME_verdict(ctx);
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *ethernet = data;
	struct NAME_event *event = fc_reserve(struct NAME_event);

	if (event) {
		event->length = end - data;
		/* The verifier requires a check that the field is within the frame. */
		event->protocol = (void *)(ethernet + 1) <= end ? ethernet->h_proto : 0;
		event->ret = verdict;
		fc_submit(event);
	}
	fc_leave(outer);
	return verdict;
}
