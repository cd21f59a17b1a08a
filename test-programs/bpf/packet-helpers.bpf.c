// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Stubs that change packet data in one way or another, or only look at it; replacements that do.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

static __attribute__((noinline)) int deep(struct xdp_md *ctx)
{
	return bpf_xdp_adjust_tail(ctx, 0);
}

static __attribute__((noinline)) int deeper(struct xdp_md *ctx)
{
	return deep(ctx);
}

static __always_inline int look(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;

	return data + 14 > end ? 0 : *(__u8 *)data;
}

#define WAYS(X) \
	X(nothing, 0) \
	X(looks, look(ctx)) \
	X(time, bpf_ktime_get_ns()) \
	X(head, bpf_xdp_adjust_head(ctx, 0)) \
	X(meta, bpf_xdp_adjust_meta(ctx, 0)) \
	X(tail, bpf_xdp_adjust_tail(ctx, 0)) \
	X(indirectly, deeper(ctx))

#define STUB(name, does) \
	__attribute__((noinline)) int stub_##name(struct xdp_md *ctx) \
	{ \
		int answer = does; \
		asm volatile("" : "+r"(answer) : "r"(ctx)); \
		return answer; \
	}
WAYS(STUB)

#define CALL(name, does) stub_##name(ctx);
SEC("xdp")
int host(struct xdp_md *ctx)
{
	WAYS(CALL)
	return XDP_PASS;
}

#define REPLACEMENT(name, does) \
	SEC("freplace") \
	int replace_##name(struct xdp_md *ctx) \
	{ \
		int answer = does; \
		asm volatile("" : "+r"(answer)); \
		return answer; \
	}
WAYS(REPLACEMENT)
