/* SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0 */
/* What the programs of the cpu recipe share. */
#ifndef CPU_H
#define CPU_H

#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <freplace_compose.h>

enum cpu_mode {
	CPU_USER,
	CPU_KERNEL,
};

/* What the stub is given: where a CPU was interrupted. */
struct sample {
	__u64 address;
	enum cpu_mode mode;
};

struct cpu_sample_event {
	void *address; /* of the instruction */
	enum cpu_mode mode;
};

struct cpu_count_event {
	__u64 samples; /* of all processes of this name */
};

#endif
