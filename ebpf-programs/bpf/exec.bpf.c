// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The hosts of chains/exec.toml: a stub may deny a program before it runs; what runs is recorded.
#include "exec.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Just the fields we read; CO-RE finds their offsets in the running kernel. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct inode {
	unsigned short i_mode;
};
struct file {
	struct inode *f_inode;
};
struct linux_binprm {
	struct file *file;
	const char *filename;
};
struct task_struct {
	struct task_struct *real_parent;
	int tgid;
};
#pragma clang attribute pop

// 0 lets it run, -EPERM does not.
FC_STUB int stub_verdict(struct program *program)
{
	return fc_stub(0, program);
}

// int security_bprm_check(struct linux_binprm *bprm): for a script once more, for its interpreter.
SEC("lsm/bprm_check_security")
int BPF_PROG(exec_asked, struct linux_binprm *bprm, int ret)
{
	__u64 outer = fc_enter();
	struct program program = { .user = (__u32)bpf_get_current_uid_gid() };
	struct exec_asked_event *event;
	int verdict;

	bpf_probe_read_kernel_str(program.path, sizeof(program.path), bprm->filename);
	program.mode = bprm->file->f_inode->i_mode;
	verdict = stub_verdict(&program);
	event = fc_reserve(struct exec_asked_event);
	if (event) {
		__builtin_memcpy(event->path, program.path, sizeof(event->path));
		event->user = program.user;
		event->ret = verdict;
		fc_submit(event);
	}
	fc_leave(outer);
	// The verifier requires an error number or 0; ret is what another program said before.
	return verdict < 0 ? -EPERM : ret;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(exec_done, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	__u64 outer = fc_enter();
	struct exec_done_event *event = fc_reserve(struct exec_done_event);

	if (event) {
		bpf_probe_read_kernel_str(event->path, sizeof(event->path), bprm->filename);
		event->parent = task->real_parent->tgid;
		event->user = (__u32)bpf_get_current_uid_gid();
		fc_submit(event);
	}
	fc_leave(outer);
	return 0;
}
