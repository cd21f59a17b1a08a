// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A host of several functions: two stubs side by side, one below another, a static function, and
// one that no program calls; a second host that calls one of them; replacements and tracers that
// fit each.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define STUB __attribute__((noinline)) int
#define ANSWER(ctx) \
	({ \
		int answer = XDP_PASS; \
		asm volatile("" : "+r"(answer) : "r"(ctx)); \
		answer; \
	})

STUB below(struct xdp_md *ctx)
{
	return ANSWER(ctx);
}

STUB left(struct xdp_md *ctx)
{
	return below(ctx) & ANSWER(ctx);
}

STUB right(struct xdp_md *ctx)
{
	return ANSWER(ctx);
}

STUB uncalled(struct xdp_md *ctx)
{
	return ANSWER(ctx);
}

static __attribute__((noinline)) int inner(struct xdp_md *ctx)
{
	return ANSWER(ctx);
}

SEC("xdp")
int both(struct xdp_md *ctx)
{
	return left(ctx) & right(ctx) & inner(ctx);
}

SEC("xdp")
int one(struct xdp_md *ctx)
{
	return right(ctx);
}

SEC("freplace")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

// A replacement with functions of its own: one that could be replaced if it were a host's, and one
// that is static.
STUB part(struct xdp_md *ctx)
{
	return ANSWER(ctx);
}

SEC("freplace")
int in_parts(struct xdp_md *ctx)
{
	return part(ctx) & inner(ctx);
}

SEC("fexit")
int after(void *ctx)
{
	return 0;
}
