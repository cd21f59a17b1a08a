// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Programs as other tools have them: they know nothing of the composer, and write structs of their
// own to maps of their own. Fired by getpgid(0x46430000 | value), as getpgid.h tells.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

enum mood { CALM = 1, CROSS = 2 };

struct event {
	__u64 ts;
	__u32 saddr;
	__u32 daddr;
	__u16 sport;
	__u16 dport;
	__u32 value;
	enum mood mood;
	char comm[16];
	struct {
		__u8 mac[6];
		__u16 ports[2];
	} link;
	long ret;
};

/* Without it clang leaves the struct out of BTF. */
const struct event *unused __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} perf_events SEC(".maps");

struct getpgid_entry {
	__u64 common;
	long number;
	long pid;
};

#define VALUE(ctx) ((__u32)((ctx)->pid & 0xffff))
#define IS_OURS(ctx) (((ctx)->pid & 0xffff0000) == 0x46430000)

static __always_inline void fill(struct event *event, __u32 value)
{
	__builtin_memset(event, 0, sizeof(*event));
	event->ts = bpf_ktime_get_ns();
	event->saddr = bpf_htonl(0x0a00020f);
	event->daddr = bpf_htonl(0x5db8d822);
	event->sport = bpf_htons(40000);
	event->dport = bpf_htons(443);
	event->value = value;
	event->mood = CROSS;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	event->link.mac[0] = 2;
	event->link.mac[5] = 1;
	event->link.ports[0] = bpf_htons(80);
	event->link.ports[1] = bpf_htons(8080);
	event->ret = -13;
}

/* value 7: a record that is shorter than its struct. */
SEC("tracepoint/syscalls/sys_enter_getpgid")
int to_ring(struct getpgid_entry *ctx)
{
	struct event event;

	if (!IS_OURS(ctx))
		return 0;
	fill(&event, VALUE(ctx));
	bpf_ringbuf_output(&events, &event, event.value == 7 ? 12 : sizeof(event), 0);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int to_perf(struct getpgid_entry *ctx)
{
	struct event event;

	if (!IS_OURS(ctx))
		return 0;
	fill(&event, VALUE(ctx));
	bpf_perf_event_output(ctx, &perf_events, BPF_F_CURRENT_CPU, &event,
			      event.value == 7 ? 12 : sizeof(event));
	return 0;
}

/*
 * Its struct is not in BTF. Value 1 makes a record without C's padding behind the last field, value 3
 * one that ends within that field.
 */
#define UNTYPED(name, write) \
	SEC("tracepoint/syscalls/sys_enter_getpgid") \
	int name(struct getpgid_entry *ctx) \
	{ \
		struct { \
			__u8 kind; \
			__u64 ts; \
			__u32 saddr; \
			__be16 port; \
			char comm[16]; \
			__s16 pairs[2][2]; \
		} record; \
		const __u64 end = __builtin_offsetof(typeof(record), pairs) + sizeof(record.pairs); \
\
		_Static_assert(sizeof(record) == 48, "padding behind the last field"); \
\
		if (!IS_OURS(ctx)) \
			return 0; \
		__builtin_memset(&record, 0, sizeof(record)); \
		record.kind = VALUE(ctx); \
		record.ts = bpf_ktime_get_ns(); \
		record.saddr = bpf_htonl(0x0a00020f); \
		record.port = bpf_htons(443); \
		bpf_get_current_comm(record.comm, sizeof(record.comm)); \
		record.pairs[1][0] = -13; \
		if (record.kind == 1) \
			write(&record, end); \
		else if (record.kind == 3) \
			write(&record, end - 1); \
		else \
			write(&record, sizeof(record)); \
		return 0; \
	}

#define TO_RING(record, size) bpf_ringbuf_output(&events, record, size, 0)
#define TO_PERF(record, size) \
	bpf_perf_event_output(ctx, &perf_events, BPF_F_CURRENT_CPU, record, size)

UNTYPED(untyped, TO_RING)
UNTYPED(untyped_perf, TO_PERF)

/* 256 records a call, so that millions take seconds. */
SEC("tracepoint/syscalls/sys_enter_getpgid")
int torrent_perf(struct getpgid_entry *ctx)
{
	__u64 record[4] = { VALUE(ctx) };
	int number;

	if (!IS_OURS(ctx))
		return 0;
	for (number = 0; number < 256; number++)
		bpf_perf_event_output(ctx, &perf_events, BPF_F_CURRENT_CPU, record, sizeof(record));
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int torrent_ring(struct getpgid_entry *ctx)
{
	__u64 record[4] = { VALUE(ctx) };
	int number;

	if (!IS_OURS(ctx))
		return 0;
	for (number = 0; number < 256; number++)
		bpf_ringbuf_output(&events, record, sizeof(record), 0);
	return 0;
}

/* A packet's length and its first bytes. */
SEC("xdp")
int packets(struct xdp_md *ctx)
{
	__u32 length = ctx->data_end - ctx->data;

	bpf_perf_event_output(ctx, &perf_events, BPF_F_CURRENT_CPU | 14ULL << 32, &length,
			      sizeof(length));
	return XDP_PASS;
}

/* What a tracer noted of the calls of a function: of each value once, while there is room. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u64);
	__type(value, __u64);
} values SEC(".maps");

SEC("fentry")
int notes(__u64 *ctx)
{
	struct event event;
	__u64 value = ctx[0];

	fill(&event, value);
	/* Before 6.4 this is an int in the kernel, and the upper half of the register is 0. */
	event.ret = (int)bpf_map_update_elem(&values, &value, &value, BPF_ANY);
	bpf_ringbuf_output(&events, &event, sizeof(event), 0);
	return 0;
}
