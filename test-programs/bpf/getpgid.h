/* SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0 */
/*
 * A hook that a test can fire at will, as often as it likes and with a value of its choice:
 * getpgid(GETPGID_MAGIC | value). No process has such a number, so the answer is -ESRCH and
 * nothing happens; no other program calls it so.
 */
#ifndef GETPGID_H
#define GETPGID_H

#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <freplace_compose.h>

#define GETPGID_MAGIC 0x46430000
#define GETPGID_NUMBER 121 /* x86-64 */
#define GETPGID_NONE -1

/* tracepoint/syscalls/sys_enter_getpgid */
struct getpgid_entry {
	__u64 common;
	long number;
	long pid;
};

/* The value of a call that is meant for us, else GETPGID_NONE. */
static __always_inline long getpgid_value(long pid)
{
	return (pid & 0xffff0000) == GETPGID_MAGIC ? pid & 0xffff : GETPGID_NONE;
}

#endif
