// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A dispatcher whose slots are opened by read-only data: how many are in use, and after which
// answers the next one is asked.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define SLOTS 4

static volatile const struct {
	__u8 used;
	__u32 go_on[SLOTS];
} conf = {};

#define SLOT(n)                                                     \
	__attribute__((noinline)) int slot##n(struct xdp_md *ctx)   \
	{                                                           \
		volatile int answer = XDP_PASS;                     \
		if (!ctx)                                           \
			return XDP_ABORTED;                         \
		return answer;                                      \
	}
SLOT(0) SLOT(1) SLOT(2) SLOT(3)

#define TRY(n)                                                      \
	if (conf.used < n + 1)                                      \
		return XDP_PASS;                                    \
	answer = slot##n(ctx);                                      \
	if (!((1u << answer) & conf.go_on[n]))                      \
		return answer;

SEC("xdp")
int dispatch(struct xdp_md *ctx)
{
	int answer;

	TRY(0) TRY(1) TRY(2) TRY(3)
	return XDP_PASS;
}

/* What only runs where a constant says so, called by a static function. */
const volatile _Bool verbose = 0;

__attribute__((noinline)) int tells(struct xdp_md *ctx)
{
	volatile int answer = XDP_PASS;

	return ctx ? answer : XDP_DROP;
}

SEC("xdp")
int quiet(struct xdp_md *ctx)
{
	return verbose ? tells(ctx) : XDP_PASS;
}
