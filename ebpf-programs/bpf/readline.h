/* SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0 */
/* What the programs of the readline recipe share. */
#ifndef READLINE_H
#define READLINE_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <freplace_compose.h>

/* A line as it was typed, cut to the size. */
struct line {
	char text[80];
};

#endif
