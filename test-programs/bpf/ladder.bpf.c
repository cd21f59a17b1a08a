// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// The programs of `cargo xtask bench hosts`: for each kind of host one that calls a function of its
// own and one that calls a stub, and what replaces and traces that stub. None of them does more.
#include "getpgid.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* A tracepoint has no context that a stub could take. */
#define PASSED_ctx ctx
#define PASSED_pid ctx->pid
#define LADDER(kind, section, context, type, value, verdict) \
	static __attribute__((noinline)) int kind##_own(type value) \
	{ \
		return fc_stub(verdict, value); \
	} \
	SEC(section) \
	int kind##_direct(context *ctx) \
	{ \
		return kind##_own(PASSED_##value) ? verdict : 0; \
	} \
	FC_STUB int kind##_stub(type value) \
	{ \
		return fc_stub(verdict, value); \
	} \
	SEC(section) \
	int kind##_host(context *ctx) \
	{ \
		return kind##_stub(PASSED_##value) ? verdict : 0; \
	} \
	SEC("freplace") \
	int kind##_new(type value) \
	{ \
		return fc_stub(verdict, value); \
	}

LADDER(xdp, "xdp", struct xdp_md, struct xdp_md *, ctx, XDP_PASS)
/* TC_ACT_PIPE: TC_ACT_OK is 0. */
LADDER(tcx, "tc", struct __sk_buff, struct __sk_buff *, ctx, 3)
LADDER(skb, "cgroup_skb/ingress", struct __sk_buff, struct __sk_buff *, ctx, 1)
LADDER(tp, "tracepoint/syscalls/sys_enter_getpgid", struct getpgid_entry, __u64, pid, 1)

SEC("fentry")
int ladder_entry(void *ctx)
{
	return 0;
}

SEC("fexit")
int ladder_exit(void *ctx)
{
	return 0;
}
