// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "freplace_compose.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* An event is any struct: its fields are shown by name, `ret` as `= value`. */
struct NAME_event {
	__u32 size;
	__u32 remote_port; /* in network byte order */
	__s32 ret;
};

/* The sockets whose messages are seen. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u64);
} TARGET SEC(".maps");

/* Adds TCP connections to the map. Give it a host of its own, with attach = { sock_ops = "/sys/fs/cgroup" };
 * or let a process add sockets with bpf(2). */
SEC("sockops")
int fill_NAME(struct bpf_sock_ops *ctx)
{
	__u64 cookie = bpf_get_socket_cookie(ctx);

	if (ctx->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB ||
	    ctx->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		bpf_sock_hash_update(ctx, &TARGET, &cookie, BPF_NOEXIST);
	return 1;
}

/* A stub: a replacement for it determines whether a message is sent (SK_PASS) or not (SK_DROP). */
FC_STUB int NAME_verdict(struct sk_msg_md *ctx)
{
	return fc_stub(SK_PASS, ctx);
}

SEC("sk_msg")
int on_NAME(struct sk_msg_md *ctx)
{
	__u64 outer = fc_enter();
	int verdict = NAME_verdict(ctx);
	struct NAME_event *event = fc_reserve(struct NAME_event);

	if (event) {
		event->size = ctx->size;
		event->remote_port = ctx->remote_port;
		event->ret = verdict;
		fc_submit(event);
	}
	fc_leave(outer);
	return verdict;
}
