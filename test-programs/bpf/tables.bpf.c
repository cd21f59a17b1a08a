// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Maps that hold others: maps in maps, and tables of programs, filled from the start or by a chain.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct slots {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
};

struct slots first SEC(".maps");
static struct slots second SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct slots);
} by_number SEC(".maps") = { .values = { [0] = &first, [2] = &second } };

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__array(values, struct slots);
} by_name SEC(".maps") = { .values = { [3] = &first } };

/* Counts in the inner maps, through the outer ones. */
SEC("tracepoint/syscalls/sys_enter_getpgid")
int counts_within(void *ctx)
{
	__u32 zero = 0, two = 2, three = 3;
	__u64 *count, sum = 0;
	void *inner;

	inner = bpf_map_lookup_elem(&by_number, &zero);
	if (inner && (count = bpf_map_lookup_elem(inner, &zero)))
		sum += __sync_fetch_and_add(count, 1) + 1;
	inner = bpf_map_lookup_elem(&by_number, &two);
	if (inner && (count = bpf_map_lookup_elem(inner, &zero)))
		sum += (__sync_fetch_and_add(count, 1) + 1) * 10;
	inner = bpf_map_lookup_elem(&by_name, &three);
	if (inner && (count = bpf_map_lookup_elem(inner, &zero)))
		sum += *count * 100;
	inner = bpf_map_lookup_elem(&by_number, &three);
	if (inner)
		sum += 1000;
	bpf_printk("within %llu", sum);
	return 0;
}

#define NOINLINE __attribute__((noinline))

int leaf(void *ctx);
int other_leaf(void *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} jumps SEC(".maps") = { .values = { [1] = (void *)&leaf } };

/* Nobody fills it but a chain. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} open_jumps SEC(".maps");

NOINLINE int in_leaf(__u64 number)
{
	asm volatile("" : "+r"(number));
	bpf_printk("in leaf %llu", number);
	return number & 1;
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int leaf(void *ctx)
{
	return in_leaf(41);
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int other_leaf(void *ctx)
{
	return in_leaf(17);
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int enters(void *ctx)
{
	bpf_tail_call(ctx, &jumps, 1);
	bpf_printk("no leaf");
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int enters_open(void *ctx)
{
	bpf_tail_call(ctx, &open_jumps, 3);
	bpf_printk("no leaf");
	return 0;
}

SEC("freplace")
int instead(__u64 number)
{
	return number != 0;
}
