// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "freplace_compose.h"

/* Many helpers require a GPL-compatible licence. */
char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 seq_num;
} __attribute__((preserve_access_index));

/* What all iterators pass. The thing itself comes behind `meta`; it is NULL at the end. */
struct bpf_iter__any {
	struct bpf_iter_meta *meta;
	void *thing;
};

/* Which things are shown. The kernel replaces no function of an iterator: this one can be traced. */
FC_STUB int NAME_wanted(__u64 number)
{
	return fc_stub(1, number);
}

SEC("iter")
int on_NAME(struct bpf_iter__any *ctx)
{
	struct bpf_iter_meta *meta = ctx->meta;
	__u64 number = meta->seq_num;

	if (ctx->thing && NAME_wanted(number))
		BPF_SEQ_PRINTF(meta->seq, "%llu\n", number);
	return 0;
}
