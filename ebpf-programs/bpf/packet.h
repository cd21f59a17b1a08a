/* SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0 */
/* What the recipes that see socket buffers share: the two ends of a packet. */
#ifndef PACKET_H
#define PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <freplace_compose.h>

struct packet {
	fc_flow_t flow; /* all zero for what is not IP; without ports for what has none */
	__u8 protocol;
};

/* Offsets count from the network header, so that a packet with an Ethernet header is read alike. */
static __always_inline long packet_bytes(struct __sk_buff *ctx, __u32 at, void *to, __u32 length)
{
	return bpf_skb_load_bytes_relative(ctx, at, to, length, BPF_HDR_START_NET);
}

static __always_inline void packet_read(struct __sk_buff *ctx, struct packet *packet)
{
	__be16 ports[2];
	__u32 transport;

	__builtin_memset(packet, 0, sizeof(*packet));
	if (ctx->protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr ip;

		if (packet_bytes(ctx, 0, &ip, sizeof(ip)))
			return;
		fc_ip_from_v4(&packet->flow.source.addr, ip.saddr);
		fc_ip_from_v4(&packet->flow.destination.addr, ip.daddr);
		packet->protocol = ip.protocol;
		transport = ip.ihl * 4;
	} else if (ctx->protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr ip;

		if (packet_bytes(ctx, 0, &ip, sizeof(ip)))
			return;
		__builtin_memcpy(&packet->flow.source.addr, &ip.saddr, 16);
		__builtin_memcpy(&packet->flow.destination.addr, &ip.daddr, 16);
		packet->protocol = ip.nexthdr;
		transport = sizeof(ip);
	} else {
		return;
	}
	if (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP)
		return;
	if (packet_bytes(ctx, transport, ports, sizeof(ports)))
		return;
	packet->flow.source.port = ports[0];
	packet->flow.destination.port = ports[1];
}

/* A running total; maps keep one for each cgroup, address or protocol. */
struct packet_total {
	__u64 packets;
	__u64 bytes;
};

/* Adds a packet to the total of `key`; the total afterwards. */
static __always_inline struct packet_total packet_count(void *totals, const void *key, __u64 bytes)
{
	struct packet_total first = { 1, bytes };
	struct packet_total *total = bpf_map_lookup_elem(totals, key);

	if (!total) {
		/* Another CPU may be faster: then its total counts, and this packet is added to it. */
		if (!bpf_map_update_elem(totals, key, &first, BPF_NOEXIST))
			return first;
		total = bpf_map_lookup_elem(totals, key);
		if (!total)
			return first;
	}
	__sync_fetch_and_add(&total->packets, 1);
	__sync_fetch_and_add(&total->bytes, bytes);
	return *total;
}

#endif
