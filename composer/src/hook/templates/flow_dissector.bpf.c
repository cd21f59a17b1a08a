// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "freplace_compose.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* An event is any struct: its fields are shown by name, `ret` as `= value`. */
struct NAME_event {
	__u32 length; /* from the network header on */
	__s32 ret;
};

/* A stub: a replacement for it determines what is known of the flow. */
FC_STUB int NAME_verdict(struct __sk_buff *ctx)
{
	return fc_stub(BPF_FLOW_DISSECTOR_CONTINUE, ctx);
}

SEC("flow_dissector")
int on_NAME(struct __sk_buff *ctx)
{
	__u64 outer = fc_enter();
	int verdict = NAME_verdict(ctx);
	struct NAME_event *event = fc_reserve(struct NAME_event);

	if (event) {
		event->length = (void *)(long)ctx->data_end - (void *)(long)ctx->data;
		event->ret = verdict;
		fc_submit(event);
	}
	fc_leave(outer);
	return verdict;
}
