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
