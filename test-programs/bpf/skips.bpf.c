// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A program within another one on the same CPU, which the kernel does not let in: `outer` takes
// something out of a map, where `inner` waits, and `seen` traces a function that both call.
#include "getpgid.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} skips_table SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_getpgid")
int outer(struct getpgid_entry *ctx)
{
	__u32 key = 1;

	if (getpgid_value(ctx->pid) != GETPGID_NONE)
		bpf_map_delete_elem(&skips_table, &key);
	return 0;
}

SEC("kprobe/htab_map_delete_elem")
int inner(struct pt_regs *ctx)
{
	asm volatile("" ::"r"(ctx));
	return 0;
}
