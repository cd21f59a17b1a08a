// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// What a function may do that its callers have to know of: change the packet, or sleep. Functions that
// do and that do not, in programs that call both or do so themselves, and replacements of both sorts.
#include "suite.h"

FC_STUB long pulls(struct __sk_buff *skb)
{
	return bpf_skb_pull_data(skb, 0);
}

FC_STUB long keeps(struct __sk_buff *skb)
{
	return fc_stub(0, skb);
}

SEC("tc")
int calls_both(struct __sk_buff *skb)
{
	pulls(skb);
	keeps(skb);
	tell(skb->len);
	return 0;
}

SEC("tc")
int pulls_itself(struct __sk_buff *skb)
{
	bpf_skb_pull_data(skb, 0);
	return 0;
}

SEC("tc")
int keeps_itself(struct __sk_buff *skb)
{
	return 0;
}

SEC("freplace")
long new_pulls(struct __sk_buff *skb)
{
	tell(skb->len);
	return bpf_skb_pull_data(skb, 0);
}

SEC("freplace")
long new_keeps(struct __sk_buff *skb)
{
	tell(skb->len);
	return 0;
}

FC_STUB long sleeps(int number)
{
	bpf_copy_from_user(&number, sizeof(number), NULL);
	return number;
}

FC_STUB long wakes(int number)
{
	return fc_stub(0, number);
}

SEC("uprobe.s")
int calls_sleeping(struct pt_regs *ctx)
{
	sleeps(0);
	wakes(0);
	tell(0);
	return 0;
}

SEC("freplace")
long new_sleeps(int number)
{
	tell(number);
	bpf_copy_from_user(&number, sizeof(number), NULL);
	return number;
}

SEC("freplace")
long new_wakes(int number)
{
	tell(number);
	return 0;
}

SEC("xdp")
int passes(struct xdp_md *ctx)
{
	tell(ctx->data_end - ctx->data);
	return XDP_PASS;
}

SEC("fentry.s")
int sleeping_tracer(void *ctx)
{
	return 0;
}
