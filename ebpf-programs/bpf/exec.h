/* SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0 */
/* What the programs of the exec recipe share. */
#ifndef EXEC_H
#define EXEC_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <freplace_compose.h>

#define PATH 64
#define EPERM 1

/* What the stub is given: a program that a process is about to become. */
struct program {
	char path[PATH]; /* as execve(2) was given it, cut to the size */
	__u32 mode;      /* of its file: 0104755 has the set-user-id bit, 04000 */
	__u32 user;      /* who runs it */
};

struct exec_asked_event {
	char path[PATH];
	__u32 user;
	fc_errno_t ret;
};

struct exec_done_event {
	char path[PATH];
	__u32 parent; /* the process that began the one that is now this program */
	__u32 user;
};

#endif
