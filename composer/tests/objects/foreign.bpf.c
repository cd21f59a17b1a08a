// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A program of another tool: it writes a struct of its own to a ring buffer of its own.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

enum state { OPEN = 1, CLOSED };

struct address {
	__u8 octets[4];
	__u16 ports[2];
};

typedef struct {
	__u64 ts;
	int code;
} short_event_t;

struct event {
	__u64 ts;
	__u32 saddr;
	__u16 sport;
	__u16 flags : 4;
	__u8 state;
	struct address peer;
	char comm[16];
	struct {
		__u32 inner;
	};
	void *next;
};

const struct event *unused_event __attribute__((unused));
const short_event_t *unused_short __attribute__((unused));
const enum state *unused_state __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

SEC("kprobe/tcp_connect")
int on_connect(void *ctx)
{
	struct event event = {};
	__u32 key = 0;

	if (!bpf_map_lookup_elem(&seen, &key))
		bpf_printk("new: %d", key);
	bpf_ringbuf_output(&events, &event, sizeof(event), 0);
	return 0;
}
