// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// The structs of freplace_compose.h as globals: BTF keeps the types of those, not of locals.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <freplace_compose.h>

char LICENSE[] SEC("license") = "GPL";

struct fc_header header;
struct fc_count count;

SEC("kprobe/tcp_connect") int host(void *ctx) { return header.node + count.lost; }
