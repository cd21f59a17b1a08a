// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "freplace_compose.h"

/* Many helpers require a GPL-compatible licence. */
char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* The fields that are read of the kernel's structs, which are found by name. */
struct file {
	unsigned int f_flags;
} __attribute__((preserve_access_index));

/* An event is any struct: its fields are shown by name, `ret` as `= value`. */
struct NAME_event {
	__u32 flags; /* O_RDONLY and so on */
	fc_errno_t ret;
};

/* A stub: a replacement for it denies what it returns a negative number for. */
FC_STUB int NAME_verdict(__u32 flags)
{
	return fc_stub(0, flags);
}

SEC("lsm")
int BPF_PROG(on_NAME, struct file *file, int ret)
{
	__u64 outer = fc_enter();
	int verdict = NAME_verdict(file->f_flags);
	struct NAME_event *event = fc_reserve(struct NAME_event);

	if (event) {
		event->flags = file->f_flags;
		event->ret = verdict;
		fc_submit(event);
	}
	fc_leave(outer);
	return verdict < 0 ? -1 /* EPERM */ : ret;
}
