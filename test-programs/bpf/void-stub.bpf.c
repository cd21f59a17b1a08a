// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// The same object that the fixtures have.
#include "../../composer/tests/objects/void-stub.bpf.c"

SEC("freplace")
void replace_void(struct xdp_md *ctx)
{
	asm volatile("" ::"r"(ctx));
}

SEC("freplace")
int replace_number(struct xdp_md *ctx)
{
	return XDP_PASS;
}
