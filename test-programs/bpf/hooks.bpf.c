// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A host at each hook, with a stub that takes its context and one that takes a number, and what goes
// in their places. A host returns 0 where the latter answers 0; at many hooks that is a refusal. No
// hook of those that bound the answer knows 77.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <linux/bpf_perf_event.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "freplace_compose.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct bpf_nf_ctx {
	const void *state;
	void *skb;
};

struct hook_event {
	int context; /* what the stub with the context answered */
	int number;  /* and the one with a number */
};

struct replacement_event {
	int answer;
};

static __always_inline void tell(int context, int number)
{
	struct hook_event *event = fc_reserve(struct hook_event);

	if (!event)
		return;
	event->context = context;
	event->number = number;
	fc_submit(event);
}

static __always_inline void told(int answer)
{
	struct replacement_event *event = fc_reserve(struct replacement_event);

	if (!event)
		return;
	event->answer = answer;
	fc_submit(event);
}

#define HOOK(name, section, context, result) HOOK_THAT_REFUSES(name, section, context, result, 0)

// `refusal` is what a host returns where the stub with a number answers 0.
#define HOOK_THAT_REFUSES(name, section, context, result, refusal) \
	FC_STUB int name##_context(struct context *ctx) \
	{ \
		/* clang writes the whole of a struct only where something asks for it. */ \
		asm volatile("" ::"r"(bpf_core_type_id_local(struct context))); \
		return fc_stub(result, ctx); \
	} \
	FC_STUB int name##_number(__u64 number) \
	{ \
		return fc_stub(result, number); \
	} \
	SEC(section) \
	int name##_host(struct context *ctx) \
	{ \
		__u64 outer = fc_enter(); \
		int context_answer = name##_context(ctx), answer = name##_number(41); \
		tell(context_answer, answer); \
		fc_leave(outer); \
		return answer ? result : refusal; \
	} \
	SEC(section) \
	int name##_wrong(struct context *ctx) \
	{ \
		return 77; \
	} \
	SEC("freplace") \
	int name##_for_context(struct context *ctx) \
	{ \
		told(result); \
		return result; \
	} \
	SEC("freplace") \
	int name##_for_host(struct context *ctx) \
	{ \
		told(result); \
		return result; \
	}

// Replacements of stubs that take a number are of no hook.
#define FOR_NUMBER(answer) \
	SEC("freplace") \
	int number_##answer(__u64 number) \
	{ \
		told(answer); \
		return answer; \
	}

FOR_NUMBER(0)
FOR_NUMBER(1)
FOR_NUMBER(77)

HOOK(kprobe, "kprobe", pt_regs, 0)
HOOK(raw_tracepoint, "raw_tracepoint", bpf_raw_tracepoint_args, 0)
HOOK(xdp, "xdp", xdp_md, XDP_PASS)
// -1 leaves the packet to the next program.
HOOK(tcx, "tcx/ingress", __sk_buff, -1)
HOOK(tc, "tc", __sk_buff, -1)
// 2 is a drop: TC_ACT_SHOT.
HOOK(tc_drop, "tc", __sk_buff, 2)
HOOK(netkit, "netkit/primary", __sk_buff, 0)
// 2 is a drop: NETKIT_DROP.
HOOK(netkit_drop, "netkit/primary", __sk_buff, 2)
HOOK(cgroup_skb, "cgroup_skb/ingress", __sk_buff, 1)
HOOK(cgroup_sock, "cgroup/sock_create", bpf_sock, 1)
HOOK(cgroup_sock_addr, "cgroup/connect4", bpf_sock_addr, 1)
// Where a process is told an address, a program cannot refuse that.
HOOK_THAT_REFUSES(cgroup_told_addr, "cgroup/recvmsg4", bpf_sock_addr, 1, 1)
HOOK(cgroup_sockopt, "cgroup/getsockopt", bpf_sockopt, 1)
HOOK(cgroup_sysctl, "cgroup/sysctl", bpf_sysctl, 1)
HOOK(cgroup_device, "cgroup/dev", bpf_cgroup_dev_ctx, 1)
HOOK(sock_ops, "sockops", bpf_sock_ops, 1)
HOOK(sk_lookup, "sk_lookup", bpf_sk_lookup, SK_PASS)
HOOK(flow_dissector, "flow_dissector", __sk_buff, BPF_FLOW_DISSECTOR_CONTINUE)
HOOK(netfilter, "netfilter", bpf_nf_ctx, 1)
HOOK(perf_event, "perf_event", bpf_perf_event_data, 0)
HOOK(uprobe, "uprobe", pt_regs, 0)
HOOK(socket_filter, "socket", __sk_buff, 0)
HOOK(sk_msg, "sk_msg", sk_msg_md, SK_PASS)
HOOK(sk_skb, "sk_skb", __sk_buff, SK_PASS)
// The length of a message.
HOOK(sk_parser, "sk_skb/stream_parser", __sk_buff, 1)

HOOK(devmap, "xdp/devmap", xdp_md, XDP_PASS)
HOOK(cpumap, "xdp/cpumap", xdp_md, XDP_PASS)

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} cpus SEC(".maps");

SEC("xdp")
int to_port(struct xdp_md *ctx)
{
	return bpf_redirect_map(&ports, 1, XDP_PASS);
}

SEC("xdp")
int to_cpu(struct xdp_md *ctx)
{
	return bpf_redirect_map(&cpus, 0, XDP_PASS);
}

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} elements SEC(".maps");

// Connections from here on.
struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u64);
} peers SEC(".maps");

SEC("sockops")
int fill_peers(struct bpf_sock_ops *ctx)
{
	__u64 cookie = bpf_get_socket_cookie(ctx);

	if (ctx->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB ||
	    ctx->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		bpf_sock_hash_update(ctx, &peers, &cookie, BPF_NOEXIST);
	return 1;
}

SEC("cgroup/connect4")
int cgroup_sock_addr_zero(struct bpf_sock_addr *ctx)
{
	return 0;
}

SEC("cgroup/connect4")
int cgroup_sock_addr_three(struct bpf_sock_addr *ctx)
{
	return 3;
}

// Programs whose context is a list of arguments: the kernel knows no name for that, so no stub takes it.
#define TYPED(name, section, result) \
	FC_STUB int name##_number(__u64 number) \
	{ \
		return fc_stub(result, number); \
	} \
	SEC(section) \
	int name##_host(__u64 *ctx) \
	{ \
		__u64 outer = fc_enter(); \
		int answer = name##_number(41); \
		tell(result, answer); \
		fc_leave(outer); \
		return answer ? result : 0; \
	} \
	SEC(section) \
	int name##_wrong(__u64 *ctx) \
	{ \
		return 77; \
	} \
	SEC("freplace") \
	int name##_for_host(__u64 *ctx) \
	{ \
		told(result); \
		return result; \
	}

TYPED(tp_btf, "tp_btf", 0)
TYPED(tracepoint, "tracepoint", 0)
TYPED(fentry, "fentry", 0)
TYPED(fexit, "fexit", 0)
TYPED(lsm_cgroup, "lsm_cgroup", 1)
TYPED(iter, "iter", 0)
TYPED(syscall, "syscall", 0)

// A result other than 0 takes the place of the function: -1 is -EPERM.
#define DENYING(name, section) \
	FC_STUB int name##_number(__u64 number) \
	{ \
		return fc_stub(0, number); \
	} \
	SEC(section) \
	int name##_host(__u64 *ctx) \
	{ \
		__u64 outer = fc_enter(); \
		int answer = name##_number(41); \
		tell(0, answer); \
		fc_leave(outer); \
		return answer == 77 ? -1 : 0; \
	} \
	SEC(section) \
	int name##_wrong(__u64 *ctx) \
	{ \
		return 77; \
	} \
	SEC("freplace") \
	int name##_for_host(__u64 *ctx) \
	{ \
		told(0); \
		return 0; \
	}

DENYING(fmod_ret, "fmod_ret")
DENYING(lsm, "lsm")
