// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Its map `seen` is not the one of the other map-*.bpf.c.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__uint(value_size, 16);
} seen SEC(".maps");

SEC("kprobe/tcp_connect")
int host_b(void *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&seen, &key) != 0;
}
