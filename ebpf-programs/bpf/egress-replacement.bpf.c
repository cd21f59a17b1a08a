// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The replacements of chains/egress.toml: running totals by destination, or by protocol.
#include "egress.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// Where there are more addresses, the one that was not seen for longest makes room.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, fc_ip_t);
	__type(value, struct packet_total);
} egress_addresses SEC(".maps");

SEC("freplace")
enum egress_verdict by_destination(struct __sk_buff *ctx)
{
	struct egress_address_event *event;
	struct packet_total total;
	struct packet packet;

	packet_read(ctx, &packet);
	total = packet_count(&egress_addresses, &packet.flow.destination.addr, ctx->len);
	event = fc_reserve(struct egress_address_event);
	if (event) {
		event->destination = packet.flow.destination.addr;
		event->packets = total.packets;
		event->bytes = total.bytes;
		fc_submit(event);
	}
	return EGRESS_NEXT;
}

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u8);
	__type(value, struct packet_total);
} egress_protocols SEC(".maps");

SEC("freplace")
enum egress_verdict by_protocol(struct __sk_buff *ctx)
{
	struct egress_protocol_event *event;
	struct packet_total total;
	struct packet packet;

	packet_read(ctx, &packet);
	total = packet_count(&egress_protocols, &packet.protocol, ctx->len);
	event = fc_reserve(struct egress_protocol_event);
	if (event) {
		event->protocol = packet.protocol;
		event->packets = total.packets;
		event->bytes = total.bytes;
		fc_submit(event);
	}
	return EGRESS_NEXT;
}
