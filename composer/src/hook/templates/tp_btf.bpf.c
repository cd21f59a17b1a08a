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
	int tgid;
} __attribute__((preserve_access_index));

struct linux_binprm {
	const char *filename;
} __attribute__((preserve_access_index));

/* An event is any struct: its fields are shown by name, `ret` as `= value`. */
struct NAME_event {
	char file[64];
	__u32 old_pid;
};

/* A stub: a replacement for it selects the events that are shown. */
FC_STUB int NAME_wanted(__u64 pid)
{
	return fc_stub(1, pid);
}

SEC("tp_btf")
int BPF_PROG(on_NAME, struct task_struct *task, int old_pid, struct linux_binprm *binary)
{
	__u64 outer = fc_enter();

	if (NAME_wanted(task->pid)) {
		struct NAME_event *event = fc_reserve(struct NAME_event);

		if (event) {
			bpf_probe_read_kernel_str(event->file, sizeof(event->file), binary->filename);
			event->old_pid = old_pid;
			fc_submit(event);
		}
	}
	fc_leave(outer);
	return 0;
}
