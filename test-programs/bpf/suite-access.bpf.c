// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A program that asks functions of each kind about a packet: static ones, of which clang takes an
// argument away, and global ones, which take the context first or second, a number, or write to the
// packet. With it one that asks none, and tracers and replacements of all.
#include <stddef.h>
#include "suite.h"
#include <linux/if_ether.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>

#define MARK 123
#define TO_TCP (sizeof(struct ethhdr) + sizeof(struct ipv6hdr))
// The verifier's limit, less what the callers have.
#define DEEP (512 - 4 * 32)

static __attribute__((noinline)) int doubled(volatile struct __sk_buff *skb)
{
	return skb->len * 2;
}

// There is one caller, so clang knows `factor`, and passes the context alone.
static __attribute__((noinline)) int scaled(int factor, volatile struct __sk_buff *skb)
{
	return skb->len * factor;
}

FC_STUB int length_of(struct __sk_buff *skb)
{
	volatile char room[DEEP] = {};

	return skb->len + room[DEEP - 1];
}

FC_STUB int less(long value)
{
	return value - (MARK - 1);
}

FC_STUB int index_of(int factor, struct __sk_buff *skb, int other)
{
	volatile char room[DEEP] = {};

	return skb->ifindex * factor * other + room[DEEP - 1];
}

FC_STUB int product(int factor, struct __sk_buff *skb)
{
	return length_of(skb) * index_of(factor, skb, less(MARK));
}

static __always_inline struct tcphdr *tcp_at(struct __sk_buff *skb, __u32 offset)
{
	struct tcphdr *tcp = (void *)(long)skb->data + offset;

	return (void *)(tcp + 1) > (void *)(long)skb->data_end ? NULL : tcp;
}

FC_STUB int writes(struct __sk_buff *skb, __u32 offset)
{
	struct tcphdr *tcp;

	if (offset > TO_TCP)
		return -1;
	tcp = tcp_at(skb, offset);
	if (!tcp)
		return -1;
	tcp->check++;
	return 0;
}

SEC("tc")
int asks_many(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	int length;

	if (data + sizeof(struct ethhdr) > end)
		return TC_ACT_SHOT;
	if (((struct ethhdr *)data)->h_proto != bpf_htons(ETH_P_IPV6))
		return TC_ACT_UNSPEC;
	length = skb->len;
	if (doubled(skb) != length * 2 || scaled(2, skb) != length * 2)
		return TC_ACT_SHOT;
	if (product(3, skb) != length * 3 * (int)skb->ifindex)
		return TC_ACT_SHOT;
	if (writes(skb, TO_TCP))
		return TC_ACT_SHOT;
	tell(skb->len);
	return TC_ACT_OK;
}

SEC("tc")
int asks_none(struct __sk_buff *skb)
{
	__u8 low = *(volatile __u8 *)&skb->len;
	__u16 protocol = *(volatile __u16 *)&skb->protocol;

	// As bytes and as a whole they are the same.
	if (low != (skb->len & 0xff) || protocol != (skb->protocol & 0xffff))
		return TC_ACT_SHOT;
	tell(skb->len);
	return TC_ACT_OK;
}

SEC("fexit")
int BPF_PROG(after_host, struct sk_buff *skb, int ret)
{
	if (skb->len == PACKET && ret == TC_ACT_OK)
		tell(ret);
	return 0;
}

SEC("fexit")
int BPF_PROG(after_doubled, struct sk_buff *skb, int ret)
{
	if (skb->len == PACKET && ret == 2 * PACKET)
		tell(ret);
	return 0;
}

// The prototype is not that of the code, so the verifier knows five numbers and a result.
struct untyped {
	__u64 arguments[5];
	__u64 ret;
};

SEC("fexit")
int after_scaled(struct untyped *ctx)
{
	struct sk_buff *skb = (void *)ctx->arguments[0];

	if (BPF_CORE_READ(skb, len) == PACKET && (__u32)ctx->ret == 2 * PACKET)
		tell(2 * PACKET);
	return 0;
}

SEC("fexit")
int BPF_PROG(after_product, int factor, struct sk_buff *skb, int ret)
{
	if (skb->len == PACKET && factor == 3 && ret == 3 * PACKET)
		tell(ret);
	return 0;
}

SEC("freplace")
int new_length(struct __sk_buff *skb)
{
	if (skb->len == PACKET)
		tell(skb->len);
	return PACKET;
}

SEC("freplace")
int new_index(int factor, struct __sk_buff *skb, int other)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ipv6hdr copy, *ip = data + sizeof(struct ethhdr);

	// A replacement may look at the packet in both ways.
	if ((void *)(ip + 1) > end || ip->nexthdr != 6 || ip->payload_len != bpf_htons(MARK))
		return 0;
	if (bpf_skb_load_bytes(skb, sizeof(struct ethhdr), &copy, sizeof(copy)) < 0)
		return 0;
	if (copy.payload_len != bpf_htons(MARK) || factor != 3 || other != 1)
		return 0;
	if (skb->ifindex == 1)
		tell(skb->ifindex);
	return 3;
}

SEC("freplace")
int new_less(long value)
{
	if (value != MARK)
		return 0;
	tell(value);
	return 1;
}

SEC("freplace")
int new_writes(struct __sk_buff *skb, __u32 offset)
{
	struct tcphdr *tcp;

	if (offset > TO_TCP)
		return -1;
	tcp = tcp_at(skb, offset);
	if (!tcp)
		return -1;
	tcp->check++;
	tcp->syn = 0;
	tell(offset);
	return 0;
}

// A replacement of an entry, with a global function of its own.
FC_STUB int one(struct __sk_buff *skb)
{
	return fc_stub(1, skb);
}

SEC("freplace")
int new_host(struct __sk_buff *skb)
{
	tell(skb->len);
	return one(skb);
}

// And one that answers as the entry does, which tracers follow.
SEC("freplace")
int new_plain(struct __sk_buff *skb)
{
	tell(skb->len);
	return TC_ACT_OK;
}

SEC("fentry")
int BPF_PROG(before_new, struct sk_buff *skb)
{
	tell(skb->len);
	return 0;
}

SEC("fexit")
int BPF_PROG(after_new, struct sk_buff *skb)
{
	tell(skb->len);
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 2);
	__type(key, int);
	__type(value, int);
} suite_sockets SEC(".maps");

SEC("freplace")
int new_redirects(struct __sk_buff *skb)
{
	const int zero = 0;
	struct bpf_sock *socket = bpf_map_lookup_elem(&suite_sockets, &zero);
	long failed;

	tell(skb->len);
	if (!socket)
		return TC_ACT_SHOT;
	failed = bpf_map_update_elem(&suite_sockets, &zero, socket, 0);
	bpf_sk_release(socket);
	return failed ? TC_ACT_SHOT : TC_ACT_OK;
}

// What a replacement of a function that returns a number must not be, and may be of one that does not.
FC_STUB void nothing(struct __sk_buff *skb)
{
	asm volatile("" ::"r"(skb));
}

SEC("tc")
int asks_for_nothing(struct __sk_buff *skb)
{
	nothing(skb);
	tell(skb->len);
	return TC_ACT_OK;
}

SEC("freplace")
void new_nothing(struct __sk_buff *skb)
{
	tell(skb->len);
}

SEC("fmod_ret")
int BPF_PROG(modifies, long value, int ret)
{
	return 120;
}
