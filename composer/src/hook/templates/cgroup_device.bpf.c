// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "freplace_compose.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* An event is any struct: its fields are shown by name, `ret` as `= value`. */
struct NAME_event {
	__u32 access; /* what is asked for, and of which kind of device */
	__u32 major;
	__u32 minor;
	__s32 ret;
};

/* A stub: a replacement for it determines whether the access is allowed (1) or not (0). */
FC_STUB int NAME_verdict(struct bpf_cgroup_dev_ctx *ctx)
{
	return fc_stub(1, ctx);
}

SEC("cgroup/dev")
int on_NAME(struct bpf_cgroup_dev_ctx *ctx)
{
	__u64 outer = fc_enter();
	int verdict = NAME_verdict(ctx);
	struct NAME_event *event = fc_reserve(struct NAME_event);

	if (event) {
		event->access = ctx->access_type;
		event->major = ctx->major;
		event->minor = ctx->minor;
		event->ret = verdict;
		fc_submit(event);
	}
	fc_leave(outer);
	/* The verifier requires a number that it knows to be 0 or 1. */
	return verdict ? 1 : 0;
}
