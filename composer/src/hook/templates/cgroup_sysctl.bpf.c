// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "freplace_compose.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* An event is any struct: its fields are shown by name, `ret` as `= value`. */
struct NAME_event {
	char name[32];
	bool write;
	__s32 ret;
};

/* A stub: a replacement for it determines whether the access is allowed (1) or not (0). */
FC_STUB int NAME_verdict(struct bpf_sysctl *ctx)
{
	return fc_stub(1, ctx);
}

SEC("cgroup/sysctl")
int on_NAME(struct bpf_sysctl *ctx)
{
	__u64 outer = fc_enter();
	int verdict = NAME_verdict(ctx);
	struct NAME_event *event = fc_reserve(struct NAME_event);

	if (event) {
		bpf_sysctl_get_name(ctx, event->name, sizeof(event->name), 0);
		event->write = ctx->write;
		event->ret = verdict;
		fc_submit(event);
	}
	fc_leave(outer);
	/* The verifier requires a number that it knows to be 0 or 1. */
	return verdict ? 1 : 0;
}
