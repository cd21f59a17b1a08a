// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/bpf.h>
#include <linux/netfilter.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "freplace_compose.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* The fields that are read of the kernel's structs, which are found by name. */
struct sk_buff {
	unsigned int len;
} __attribute__((preserve_access_index));

struct bpf_nf_ctx {
	const struct nf_hook_state *state;
	struct sk_buff *skb;
} __attribute__((preserve_access_index));

/* An event is any struct: its fields are shown by name, `ret` as `= value`. */
struct NAME_event {
	__u32 length;
	__s32 ret;
};

/* A stub: a replacement for it determines the verdict for each packet. */
FC_STUB int NAME_verdict(struct bpf_nf_ctx *ctx)
{
	return fc_stub(NF_ACCEPT, ctx);
}

SEC("netfilter")
int on_NAME(struct bpf_nf_ctx *ctx)
{
	__u64 outer = fc_enter();
	int verdict = NAME_verdict(ctx);
	struct NAME_event *event = fc_reserve(struct NAME_event);

	if (event) {
		event->length = ctx->skb->len;
		event->ret = verdict;
		fc_submit(event);
	}
	fc_leave(outer);
	/* The verifier requires a number that it knows to be one of the two. */
	return verdict == NF_DROP ? NF_DROP : NF_ACCEPT;
}
