// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A program for each hook that hands over a cookie: it tells it.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "freplace_compose.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct cookie_event {
	__u64 cookie;
};

#define TELLS(name, section) \
	SEC(section) \
	int at_##name(void *ctx) \
	{ \
		struct cookie_event *event = fc_reserve(struct cookie_event); \
		if (!event) \
			return 0; \
		event->cookie = bpf_get_attach_cookie(ctx); \
		fc_submit(event); \
		return 0; \
	}

TELLS(kprobe, "kprobe")
TELLS(kretprobe, "kretprobe")
TELLS(ksyscall, "ksyscall")
TELLS(kprobe_multi, "kprobe.multi")
TELLS(uprobe, "uprobe")
TELLS(uretprobe, "uretprobe")
TELLS(tracepoint, "tracepoint")
TELLS(raw_tracepoint, "raw_tracepoint")
TELLS(tp_btf, "tp_btf")
TELLS(fentry, "fentry")
TELLS(fexit, "fexit")
TELLS(fmod_ret, "fmod_ret")
TELLS(lsm, "lsm")
TELLS(perf_event, "perf_event")
