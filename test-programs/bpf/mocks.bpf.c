// SPDX-License-Identifier: MIT OR Apache-2.0
// Programs that are tested with mocks: each does something with all that a test can set and expect.
#include <linux/types.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "freplace_compose.h"

// Which mistake is made on purpose: tests of a right program have to tell of each.
#ifndef MUTANT
#define MUTANT 0
#endif

struct route {
	__u32 ifindex;
	__u8 smac[6];
	__be32 gateway;
	__be16 port;
};

struct backend {
	__be32 addr;
	__be16 port;
	__u16 weight;
};

struct verdict {
	__u32 protocol;
	__u32 answer;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct backend);
} backends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} bytes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4);
	__type(value, __u32);
} waiting SEC(".maps");

// Many entries, of which few are used.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __u64);
} numbers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 5000);
	__type(key, __u32);
	__type(value, __u32);
} shares SEC(".maps");

const volatile bool drops_all = false;
__u32 seen = 0;
__be16 last_port = 0;

// Where a packet goes: what an object that ships asks somebody else.
FC_STUB int lookup_route(struct route *route, __u32 length)
{
	if (!route)
		return -1;
	route->ifindex = 1;
	route->port = bpf_htons(80);
	return fc_stub(0, length);
}

FC_STUB int price(int amount)
{
	return fc_stub(amount * 2, amount);
}

FC_STUB int note(struct route *route)
{
	if (route)
		route->gateway = 0;
	return fc_stub(0, route);
}

// A helper behind a function, so that it can be mocked.
fc_helper(long, bpf_get_prandom_u32, (__u32 bound), bound ? bpf_get_prandom_u32() % bound : 0)

static __attribute__((noinline)) int protocol_of(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return -1;
	if (MUTANT != 1)
		ip->ttl--;
	return ip->protocol;
}

SEC("xdp")
int ingress(struct xdp_md *ctx)
{
	__u64 outer = fc_enter();
	__u32 zero = 0, interface = ctx->ingress_ifindex;
	__u64 *count = bpf_map_lookup_elem(&stats, &zero);
	__u64 *sum = bpf_map_lookup_elem(&bytes, &zero);
	struct route route = {};
	int protocol, answer;
	struct backend *backend;

	if (count)
		__sync_fetch_and_add(count, MUTANT == 2 ? 2 : 1);
	if (sum)
		*sum += ctx->data_end - ctx->data;
	seen++;
	protocol = protocol_of(ctx);
	if (drops_all || protocol < 0)
		answer = XDP_DROP;
	else if (lookup_route(&route, ctx->data_end - ctx->data) < (MUTANT == 3 ? -5 : 0))
		answer = XDP_ABORTED;
	else {
		note(&route);
		backend = bpf_map_lookup_elem(&backends, &route.ifindex);
		last_port = backend && MUTANT != 4 ? backend->port : route.port;
		answer = price(protocol) > 100 || fc_bpf_get_prandom_u32(1) > 5 ? XDP_TX : XDP_PASS;
		if (interface > 1000)
			answer = XDP_DROP;
	}
	struct verdict *verdict = fc_reserve(struct verdict);
	if (verdict) {
		verdict->protocol = protocol;
		verdict->answer = answer;
		fc_submit(verdict);
	}
	fc_leave(outer);
	return answer;
}

SEC("tc")
int marked(struct __sk_buff *skb)
{
	int answer = price(skb->mark);

	skb->priority = MUTANT == 5 ? 0 : answer;
	return answer > 10 ? TC_ACT_SHOT : TC_ACT_OK;
}

// What it pushes nobody can take back for the next test.
SEC("xdp")
int pushes(struct xdp_md *ctx)
{
	__u32 number = 7, found = 0;

	if (!bpf_map_peek_elem(&waiting, &found))
		return XDP_DROP;
	bpf_map_push_elem(&waiting, &number, 0);
	return XDP_PASS;
}

// What the last test left in the maps is not there in the next.
SEC("xdp")
int counts(struct xdp_md *ctx)
{
	__u32 key = 60000, share = 4999;
	__u64 *number = bpf_map_lookup_elem(&numbers, &key);
	__u32 *part = bpf_map_lookup_elem(&shares, &share);

	if (!number || !part || *number || *part)
		return XDP_DROP;
	*number = 7;
	*part = 3;
	return XDP_PASS;
}

SEC("kprobe")
int connects(void *ctx)
{
	seen++;
	return price(1);
}

// A replacement that no verifier takes.
SEC("freplace")
int refused(int amount)
{
	return *(int *)(long)amount;
}

// A mock of one's own.
SEC("freplace")
int tenfold(int amount)
{
	return amount * 10;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
