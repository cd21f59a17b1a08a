// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "freplace_compose.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* An event is any struct: its fields are shown by name, `ret` as `= value`. */
struct NAME_event {
	__u32 length;
	__be16 protocol; /* 2048 (0x0800) is IPv4 */
	__s32 ret;
};

/* A stub: a replacement for it determines the verdict for each packet. */
FC_STUB int NAME_verdict(struct __sk_buff *ctx)
{
	/* TC_ACT_UNSPEC leaves the packet to the next filter of the interface. */
	return fc_stub(TC_ACT_UNSPEC, ctx);
}

SEC("tc")
int on_NAME(struct __sk_buff *ctx)
{
	__u64 outer = fc_enter();
	int verdict = NAME_verdict(ctx);
	struct NAME_event *event = fc_reserve(struct NAME_event);

	if (event) {
		event->length = ctx->len;
		event->protocol = ctx->protocol;
		event->ret = verdict;
		fc_submit(event);
	}
	fc_leave(outer);
	return verdict;
}
