// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "freplace_compose.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* An event is any struct: its fields are shown by name, `ret` as `= value`. */
struct NAME_event {
	__u32 protocol; /* 6 is TCP, 17 is UDP */
	__u32 local_port;
	__s32 ret;
};

/* A stub: a replacement for it determines whether the look-up goes on (SK_PASS) or fails (SK_DROP). */
FC_STUB int NAME_verdict(struct bpf_sk_lookup *ctx)
{
	return fc_stub(SK_PASS, ctx);
}

SEC("sk_lookup")
int on_NAME(struct bpf_sk_lookup *ctx)
{
	__u64 outer = fc_enter();
	int verdict = NAME_verdict(ctx);
	struct NAME_event *event = fc_reserve(struct NAME_event);

	if (event) {
		event->protocol = ctx->protocol;
		event->local_port = ctx->local_port;
		event->ret = verdict;
		fc_submit(event);
	}
	fc_leave(outer);
	/* The verifier requires a number that it knows to be one of the two. */
	return verdict == SK_DROP ? SK_DROP : SK_PASS;
}
