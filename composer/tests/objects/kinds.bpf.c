// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// One program of each kind that chains use.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("kprobe/tcp_connect") int at_kprobe(void *ctx) { return 0; }
SEC("tp/sock/inet_sock_set_state") int at_tracepoint(void *ctx) { return 0; }
SEC("raw_tp/inet_sock_set_state") int at_raw_tracepoint(void *ctx) { return 0; }
SEC("xdp") int at_xdp(struct xdp_md *ctx) { return XDP_PASS; }
SEC("tc") int at_tc(struct __sk_buff *ctx) { return 0; }
SEC("freplace") int replaces(__u64 number) { return 0; }
SEC("fentry") int on_entry(void *ctx) { return 0; }
SEC("fexit") int on_exit(void *ctx) { return 0; }
static __attribute__((noinline)) int inner(__u64 number)
{
	asm volatile("" : "+r"(number));
	return number;
}
SEC("freplace") int replaces_deeper(__u64 number) { return inner(number); }
SEC("kprobe") static __attribute__((used)) int private(void *ctx) { return 0; }
