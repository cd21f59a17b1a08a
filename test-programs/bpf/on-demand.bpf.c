// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Programs that are run once.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "freplace_compose.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct task_struct {
	int pid;
	int tgid;
} __attribute__((preserve_access_index));

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 seq_num;
} __attribute__((preserve_access_index));

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} __attribute__((preserve_access_index));

/* The process that is listed. */
const volatile __u32 wanted_pid = 1;

FC_STUB int wanted(__u64 pid)
{
	return fc_stub(pid == wanted_pid, pid);
}

SEC("iter")
int lists(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (task && wanted(task->pid))
		BPF_SEQ_PRINTF(ctx->meta->seq, "task %d\nof %d\n", task->pid, task->tgid);
	return 0;
}

struct bpf_map;
struct sock;

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	__u32 *key;
	__u64 *value;
} __attribute__((preserve_access_index));

struct bpf_iter__bpf_sk_storage_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	struct sock *sk;
	__u64 *value;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} squares SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} small SEC(".maps");

SEC("iter")
int elements(struct bpf_iter__bpf_map_elem *ctx)
{
	__u32 *key = ctx->key;
	__u64 *value = ctx->value;

	if (key && value && wanted(*key))
		BPF_SEQ_PRINTF(ctx->meta->seq, "%u is %llu\n", *key, *value);
	return 0;
}

SEC("iter")
int of_sockets(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	if (!ctx->sk)
		BPF_SEQ_PRINTF(ctx->meta->seq, "the end\n");
	return 0;
}

struct call_event {
	__u64 first;
};

FC_STUB int answer(__u64 first)
{
	return fc_stub(-3, first);
}

SEC("syscall")
int calls(__u64 *ctx)
{
	__u64 outer = fc_enter();
	__u64 first = ctx[2];
	int answered = answer(first);
	struct call_event *event = fc_reserve(struct call_event);

	if (event) {
		event->first = first;
		fc_submit(event);
	}
	fc_leave(outer);
	return answered;
}

/* Reads more of its context than it gets. */
SEC("syscall")
int reads_far(char *ctx)
{
	return ctx[4096];
}
