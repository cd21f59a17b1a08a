// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The replacements of chains/xdp.toml: one drops what asks for an echo (ping), the other what goes to
// given ports. All else passes.
#include "xdp.h"
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define ICMP_ECHO_REQUEST 8
#define ICMPV6_ECHO_REQUEST 128

struct packet {
	fc_ip_t source, destination;
	__u8 protocol;
	__u8 echo_request;
	__be16 port; /* where it goes to, of TCP and UDP */
};

static __always_inline void parse_transport(struct packet *packet, void *data, void *end)
{
	__be16 *ports = data;
	__u8 *icmp = data;

	switch (packet->protocol) {
	case IPPROTO_ICMP:
		packet->echo_request = (void *)(icmp + 1) <= end && *icmp == ICMP_ECHO_REQUEST;
		break;
	case IPPROTO_ICMPV6:
		packet->echo_request = (void *)(icmp + 1) <= end && *icmp == ICMPV6_ECHO_REQUEST;
		break;
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		if ((void *)(ports + 2) <= end)
			packet->port = ports[1];
	}
}

// 0 when the frame holds an IP packet.
static __always_inline int parse(struct xdp_md *ctx, struct packet *packet)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end)
		return -1;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end)
			return -1;
		fc_ip_from_v4(&packet->source, ip->saddr);
		fc_ip_from_v4(&packet->destination, ip->daddr);
		packet->protocol = ip->protocol;
		parse_transport(packet, (void *)ip + ip->ihl * 4, end);
		return 0;
	}
	if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end)
			return -1;
		__builtin_memcpy(&packet->source, &ip->saddr, 16);
		__builtin_memcpy(&packet->destination, &ip->daddr, 16);
		packet->protocol = ip->nexthdr;
		parse_transport(packet, ip + 1, end);
		return 0;
	}
	return -1;
}

static __always_inline int tell(const struct packet *packet, int verdict)
{
	struct xdp_packet_event *event = fc_reserve(struct xdp_packet_event);

	if (event) {
		event->source = packet->source;
		event->destination = packet->destination;
		event->protocol = packet->protocol;
		event->ret = verdict;
		fc_submit(event);
	}
	return verdict;
}

SEC("freplace")
int drop_echo(struct xdp_md *ctx)
{
	struct packet packet = {};

	if (parse(ctx, &packet))
		return XDP_PASS;
	return tell(&packet, packet.echo_request ? XDP_DROP : XDP_PASS);
}

// Ports of TCP and UDP, up to the first 0; `globals` sets them.
const volatile __u16 ports[8] = { 23 };

SEC("freplace")
int drop_ports(struct xdp_md *ctx)
{
	struct packet packet = {};
	int verdict = XDP_PASS;

	if (parse(ctx, &packet))
		return XDP_PASS;
	for (unsigned int at = 0; at < sizeof(ports) / sizeof(*ports) && ports[at]; at++)
		if (packet.port == bpf_htons(ports[at]))
			verdict = XDP_DROP;
	return tell(&packet, verdict);
}
