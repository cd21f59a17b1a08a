// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Programs at other places than packets: a connection and the address that it is bound to, a function
// of the kernel, a frame that goes on to another CPU; what replaces and traces them, and what may not.
#include <stddef.h>
#include "suite.h"
#include <linux/in.h>

#define AF_INET 2

FC_STUB int binds(struct bpf_sock_addr *ctx)
{
	struct sockaddr_in address = { .sin_family = AF_INET };

	return bpf_bind(ctx, (void *)&address, sizeof(address)) ? 0 : 1;
}

SEC("cgroup/connect4")
int connects(struct bpf_sock_addr *ctx)
{
	int answer = binds(ctx) ? 1 : 0;

	tell(answer);
	return answer;
}

// No address of a family that there is: the kernel refuses it when it runs.
SEC("freplace")
int new_binds(struct bpf_sock_addr *ctx)
{
	struct sockaddr_in address = {};

	bpf_bind(ctx, (void *)&address, sizeof(address));
	tell(0);
	return 0;
}

SEC("freplace")
int returns_too_much(struct bpf_sock_addr *ctx)
{
	return 255;
}

SEC("cgroup/bind4")
int bound(struct bpf_sock_addr *ctx)
{
	tell(ctx->user_port);
	return 1;
}

SEC("fentry")
int bare(void *ctx)
{
	tell(0);
	return 0;
}

SEC("kprobe/__x64_sys_getpgid")
int probed(struct pt_regs *ctx)
{
	return 0;
}

struct locked {
	struct bpf_spin_lock lock;
	int value;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct locked);
} suite_locked SEC(".maps");

SEC("freplace")
int locks(struct pt_regs *ctx)
{
	__u32 zero = 0;
	struct locked *found = bpf_map_lookup_elem(&suite_locked, &zero);

	if (!found)
		return 1;
	bpf_spin_lock(&found->lock);
	found->value = 99;
	bpf_spin_unlock(&found->lock);
	return 0;
}

// A context of a struct that no kprobe has.
struct unknown_context {
	__u64 field;
};

SEC("kprobe/__x64_sys_getpgid")
int untrusted(struct unknown_context *ctx)
{
	return 0;
}

SEC("freplace")
int new_probed(struct pt_regs *ctx)
{
	return 0;
}

SEC("fentry")
int source(void *ctx)
{
	return 0;
}

SEC("raw_tracepoint/sys_enter")
int entered(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}

SEC("xdp")
int frame(struct xdp_md *ctx)
{
	return XDP_DROP;
}

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} suite_cpus SEC(".maps");

// Its map is empty, so the frame passes.
SEC("freplace")
int to_another_cpu(struct xdp_md *ctx)
{
	tell(0);
	return bpf_redirect_map(&suite_cpus, 0, XDP_PASS);
}

// A constant that is 0 takes the call of a function away, and the function with it.
const volatile _Bool asks_dead = 0;
int suite_table[1];

FC_STUB long alive(void)
{
	return fc_stub(suite_table[0]);
}

FC_STUB long dead(void)
{
	return fc_stub(suite_table[0] * 2);
}

FC_STUB long leads_to_alive(void)
{
	return alive();
}

SEC("raw_tracepoint/sys_enter")
int chained(void *ctx)
{
	long sum = leads_to_alive();

	if (asks_dead)
		sum += dead();
	return sum;
}

SEC("freplace")
int new_alive(void)
{
	return 0;
}
