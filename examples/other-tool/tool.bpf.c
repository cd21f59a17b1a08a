// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A tool that was not written for the composer: its struct, its ring buffer, its bpf_printk.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#define AF_INET 2

struct sock_common {
	unsigned short skc_family;
	__u32 skc_daddr;
	__u32 skc_rcv_saddr;
	__u16 skc_dport;
	__u16 skc_num;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
} __attribute__((preserve_access_index));

struct event {
	__u64 ts;
	__u32 saddr;
	__u32 daddr;
	__u16 dport;
	__u32 pid;
	char comm[16];
};

const struct event *unused __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

SEC("kprobe/tcp_connect")
int BPF_KPROBE(on_connect, struct sock *sk)
{
	struct event *event;

	if (BPF_CORE_READ(sk, __sk_common.skc_family) != AF_INET) {
		bpf_printk("family %d is passed over", BPF_CORE_READ(sk, __sk_common.skc_family));
		return 0;
	}
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return 0;
	event->ts = bpf_ktime_get_ns();
	event->saddr = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
	event->daddr = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	event->dport = BPF_CORE_READ(sk, __sk_common.skc_dport);
	event->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	bpf_ringbuf_submit(event, 0);
	return 0;
}
