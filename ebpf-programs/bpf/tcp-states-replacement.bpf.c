// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The replacements of chains/tcp-states.toml: how long each state lasted, or what did not come about.
#include "tcp-states.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// When each socket came to its state.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u64);
} tcp_since SEC(".maps");

SEC("freplace")
int durations(struct tcp_change *change)
{
	__u64 now = bpf_ktime_get_ns(), socket, *since;

	// The verifier does not know that the host passes the address of a variable.
	if (!change)
		return 0;
	socket = change->socket;
	since = bpf_map_lookup_elem(&tcp_since, &socket);
	if (since) {
		struct tcp_duration_event *event = fc_reserve(struct tcp_duration_event);

		if (event) {
			event->flow = change->flow;
			event->state = change->from;
			event->lasted = now - *since;
			fc_submit(event);
		}
	}
	// A socket of the same address may follow.
	if (change->to == TCP_CLOSE)
		bpf_map_delete_elem(&tcp_since, &socket);
	else
		bpf_map_update_elem(&tcp_since, &socket, &now, BPF_ANY);
	return 1;
}

SEC("freplace")
int refused(struct tcp_change *change)
{
	return change && change->from == TCP_SYN_SENT && change->to == TCP_CLOSE;
}
