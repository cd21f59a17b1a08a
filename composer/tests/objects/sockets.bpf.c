// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Programs at maps of sockets, one that fills such a map, and maps of other types.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <freplace_compose.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 64);
	__type(key, __u64);
	__type(value, __u64);
} peers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

FC_STUB int verdict(struct sk_msg_md *ctx) { return fc_stub(SK_PASS, ctx); }

SEC("sk_msg") int on_message(struct sk_msg_md *ctx) { return verdict(ctx); }
SEC("sk_skb") int on_data(struct __sk_buff *ctx) { return SK_PASS; }

SEC("sockops") int fill(struct bpf_sock_ops *ctx)
{
	__u64 key = bpf_get_socket_cookie(ctx);

	if (ctx->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		bpf_sock_hash_update(ctx, &peers, &key, BPF_NOEXIST);
	return 1;
}
