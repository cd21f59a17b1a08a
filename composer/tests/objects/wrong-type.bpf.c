// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A filter that was compiled as a kprobe by mistake, and what stands on it.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <freplace_compose.h>

char LICENSE[] SEC("license") = "GPL";

FC_STUB int verdict(struct xdp_md *ctx)
{
	return fc_stub(XDP_PASS, ctx);
}

SEC("kprobe") int filter(struct xdp_md *ctx)
{
	return verdict(ctx);
}

SEC("freplace") int short_frames(struct xdp_md *ctx)
{
	return ctx->data_end - ctx->data < 64 ? XDP_DROP : XDP_PASS;
}

SEC("fmod_ret") int changes(void *ctx)
{
	return 0;
}
