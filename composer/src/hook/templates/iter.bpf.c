// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "freplace_compose.h"

/* Many helpers require a GPL-compatible licence. */
char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* The fields that are read of the kernel's structs, which are found by name. */
struct task_struct {
	int pid;
	char comm[16];
} __attribute__((preserve_access_index));

struct bpf_iter_meta {
	struct seq_file *seq;
} __attribute__((preserve_access_index));

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} __attribute__((preserve_access_index));

/* Which tasks are shown. The kernel replaces no function of an iterator: this one can be traced. */
FC_STUB int NAME_wanted(__u32 pid)
{
	return fc_stub(1, pid);
}

SEC("iter")
int on_NAME(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	/* At the end there is none. */
	if (!task)
		return 0;
	if (NAME_wanted(task->pid))
		BPF_SEQ_PRINTF(ctx->meta->seq, "%d %s\n", task->pid, task->comm);
	return 0;
}
