// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// What helpers return that may be NULL, tested and not.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <freplace_compose.h>

char LICENSE[] SEC("license") = "GPL";

struct noted {
	__u64 number;
	__u32 more;
	char name[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} slots SEC(".maps");

SEC("kprobe") int event_untested(void *ctx)
{
	struct noted *event = fc_reserve(struct noted);

	event->number = 1;
	event->more = 2;
	fc_submit(event);
	return 0;
}

SEC("kprobe") int event_submitted_at_once(void *ctx)
{
	struct noted *event = fc_reserve(struct noted);

	fc_submit(event);
	return 0;
}

SEC("kprobe") int event_given_to_a_helper(void *ctx)
{
	struct noted *event = fc_reserve(struct noted);

	bpf_get_current_comm(event->name, sizeof(event->name));
	fc_submit(event);
	return 0;
}

SEC("kprobe") int event_tested_and_then_submitted(void *ctx)
{
	struct noted *event = fc_reserve(struct noted);

	if (event)
		event->number = 1;
	fc_submit(event);
	return 0;
}

SEC("kprobe") int event_tested(void *ctx)
{
	struct noted *event = fc_reserve(struct noted);

	if (!event)
		return 0;
	event->number = 1;
	event->more = 2;
	bpf_get_current_comm(event->name, sizeof(event->name));
	fc_submit(event);
	return 0;
}

static __attribute__((noinline)) void fill(struct noted *event)
{
	event->number = bpf_ktime_get_ns();
}

SEC("kprobe") int event_untested_in_a_function(void *ctx)
{
	struct noted *event = fc_reserve(struct noted);

	fill(event);
	fc_submit(event);
	return 0;
}

SEC("kprobe") int room_untested(void *ctx)
{
	__u64 *room = bpf_ringbuf_reserve(&fc_events, 8, 0);

	*room = 1;
	bpf_ringbuf_submit(room, 0);
	return 0;
}

SEC("kprobe") int room_submitted_at_once(void *ctx)
{
	__u64 *room = bpf_ringbuf_reserve(&fc_events, 8, 0);

	bpf_ringbuf_submit(room, 0);
	return 0;
}

SEC("kprobe") int room_discarded_at_once(void *ctx)
{
	__u64 *room = bpf_ringbuf_reserve(&fc_events, 8, 0);

	bpf_ringbuf_discard(room, 0);
	return 0;
}

SEC("kprobe") int key_written_untested(void *ctx)
{
	__u32 key = 1;
	__u64 *value = bpf_map_lookup_elem(&seen, &key);

	*value += 1;
	return 0;
}

SEC("kprobe") int key_read_untested(void *ctx)
{
	__u32 key = 1;
	__u64 *value = bpf_map_lookup_elem(&seen, &key);

	return *value == 4;
}

SEC("kprobe") int key_added_to_untested(void *ctx)
{
	__u32 key = 1;
	char *value = bpf_map_lookup_elem(&seen, &key);

	asm volatile("%0 += 4" : "+r"(value));
	return value ? *(__u32 *)value == 4 : 0;
}

SEC("kprobe") int key_counted_untested(void *ctx)
{
	__u32 key = 1;
	__u64 *value = bpf_map_lookup_elem(&seen, &key);

	__sync_fetch_and_add(value, 1);
	return 0;
}

SEC("kprobe") int key_tested(void *ctx)
{
	__u32 key = 1;
	__u64 *value = bpf_map_lookup_elem(&seen, &key);

	if (value)
		*value += 1;
	return 0;
}

/* Newer kernels know that it is there. */
SEC("kprobe") int slot_untested(void *ctx)
{
	__u32 key = 1;
	__u64 *value = bpf_map_lookup_elem(&slots, &key);

	*value += 1;
	return 0;
}
