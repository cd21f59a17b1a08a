// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "freplace_compose.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* An event is any struct: its fields are shown by name, `ret` as `= value`. */
struct NAME_event {
	__u32 length;
	__u32 ingress_ifindex;
	__s32 ret;
};

/* Where frames are redirected to. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} TARGET SEC(".maps");

/* Redirects what an interface receives. Give it a host of its own, with attach = { xdp = "eth0" }. */
SEC("xdp")
int to_NAME(struct xdp_md *ctx)
{
	return bpf_redirect_map(&TARGET, 0, XDP_PASS);
}

/* A stub: a replacement for it determines whether a frame is sent (XDP_PASS) or not (XDP_DROP). */
FC_STUB int NAME_verdict(struct xdp_md *ctx)
{
	return fc_stub(XDP_PASS, ctx);
}

SEC("xdp/devmap")
int on_NAME(struct xdp_md *ctx)
{
	__u64 outer = fc_enter();
	int verdict = NAME_verdict(ctx);
	struct NAME_event *event = fc_reserve(struct NAME_event);

	if (event) {
		event->length = ctx->data_end - ctx->data;
		event->ingress_ifindex = ctx->ingress_ifindex;
		event->ret = verdict;
		fc_submit(event);
	}
	fc_leave(outer);
	return verdict;
}
