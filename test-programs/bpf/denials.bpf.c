// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Programs whose answers the kernel acts on.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "freplace_compose.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct written_event {
	int allowed;
};

// The tracepoint bpf_test_finish hands over the error of a test run, which a program may change: where
// the stub answers 0, the run fails with EOPNOTSUPP.

FC_STUB int allowed(struct bpf_raw_tracepoint_args *ctx)
{
	/* clang writes the whole of a struct only where something asks for it. */
	asm volatile("" ::"r"(bpf_core_type_id_local(struct bpf_raw_tracepoint_args)));
	return fc_stub(1, ctx);
}

SEC("raw_tracepoint.w")
int decides(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 outer = fc_enter();
	int answer = allowed(ctx);
	struct written_event *event = fc_reserve(struct written_event);

	if (event) {
		event->allowed = answer;
		fc_submit(event);
	}
	/* The verifier forgets what such a pointer is when it lies on the stack meanwhile. */
	if (!answer)
		*(int *)*(volatile __u64 *)ctx->args = -95;
	fc_leave(outer);
	return 0;
}

SEC("freplace")
int refuses(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}

struct look_event {
	__u32 family;
};

// At calls that cannot be denied.
SEC("cgroup/recvmsg_unix")
int looks(struct bpf_sock_addr *ctx)
{
	struct look_event *event = fc_reserve(struct look_event);

	if (event) {
		event->family = ctx->family;
		fc_submit(event);
	}
	return 1;
}
