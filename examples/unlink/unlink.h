/* SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0 */
/* What the three programs share: the kernel struct they read, and the event. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <freplace_compose.h>

/* Just the field that is read; CO-RE finds it in the running kernel. */
struct filename {
	const char *name;
} __attribute__((preserve_access_index));

enum judgement {
	NOT_JUDGED = 0, /* the stub's own answer */
	ORDINARY,
	A_LOG,
};

struct unlink_event {
	char path[64];
	enum judgement ret;
};

/* Returns the length of the path with its NUL, or less than 1. */
static __always_inline long read_path(char *path, __u64 size, __u64 filename)
{
	struct filename *name = (struct filename *)filename;

	return bpf_probe_read_kernel_str(path, size, BPF_CORE_READ(name, name));
}

static __always_inline void emit(__u64 filename, enum judgement ret)
{
	struct unlink_event *event = fc_reserve(struct unlink_event);

	if (!event)
		return;
	read_path(event->path, sizeof(event->path), filename);
	event->ret = ret;
	fc_submit(event);
}
