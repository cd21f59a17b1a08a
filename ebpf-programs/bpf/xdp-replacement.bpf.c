// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The replacement of chains/xdp.toml: drops what asks for an echo (ping), passes all else.
#include "xdp.h"
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define PROTOCOL_ICMP 1
#define PROTOCOL_ICMPV6 58
#define ICMP_ECHO_REQUEST 8
#define ICMPV6_ECHO_REQUEST 128

struct packet {
	fc_ip_t source, destination;
	__u8 protocol;
	__u8 echo_request;
};

// 0 when the frame holds an IP packet.
static __always_inline int parse(struct xdp_md *ctx, struct packet *packet)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end)
		return -1;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);
		__u8 *icmp;

		if ((void *)(ip + 1) > end)
			return -1;
		fc_ip_from_v4(&packet->source, ip->saddr);
		fc_ip_from_v4(&packet->destination, ip->daddr);
		packet->protocol = ip->protocol;
		icmp = (void *)ip + ip->ihl * 4;
		if (ip->protocol == PROTOCOL_ICMP && (void *)(icmp + 1) <= end)
			packet->echo_request = *icmp == ICMP_ECHO_REQUEST;
		return 0;
	}
	if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = (void *)(eth + 1);
		__u8 *icmp = (void *)(ip + 1);

		if ((void *)(ip + 1) > end)
			return -1;
		__builtin_memcpy(&packet->source, &ip->saddr, 16);
		__builtin_memcpy(&packet->destination, &ip->daddr, 16);
		packet->protocol = ip->nexthdr;
		if (ip->nexthdr == PROTOCOL_ICMPV6 && (void *)(icmp + 1) <= end)
			packet->echo_request = *icmp == ICMPV6_ECHO_REQUEST;
		return 0;
	}
	return -1;
}

SEC("freplace")
int drop_echo(struct xdp_md *ctx)
{
	struct packet packet = {};
	struct xdp_packet_event *event;
	int verdict;

	if (parse(ctx, &packet))
		return XDP_PASS;
	verdict = packet.echo_request ? XDP_DROP : XDP_PASS;
	event = fc_reserve(struct xdp_packet_event);
	if (event) {
		event->source = packet.source;
		event->destination = packet.destination;
		event->protocol = packet.protocol;
		event->ret = verdict;
		fc_submit(event);
	}
	return verdict;
}
