// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A tracer that fits on anything: it looks at no argument.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("fentry")
int bare(void *ctx)
{
	return 0;
}
