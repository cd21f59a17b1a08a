// SPDX-License-Identifier: MIT OR Apache-2.0
/* Values of the kernel's configuration, of each type that one may have. */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

/* <bpf/bpf_helpers.h> has it only in newer releases. */
enum state { NO, YES, MODULE };

extern int LINUX_KERNEL_VERSION __kconfig;
extern bool CONFIG_BPF_SYSCALL __kconfig;
extern int CONFIG_HZ __kconfig __weak;
extern enum state CONFIG_IPV6 __kconfig __weak;
extern char CONFIG_TUN __kconfig __weak;
extern char CONFIG_LOCALVERSION[16] __kconfig __weak;
extern int CONFIG_THAT_NOBODY_HAS __kconfig __weak;
extern bool LINUX_HAS_SYSCALL_WRAPPER __kconfig;

int version;
int syscalls;
int hz;
int nobodys = -1;
int wrapper;

SEC("xdp") int configured(struct xdp_md *ctx)
{
	version = LINUX_KERNEL_VERSION;
	syscalls = CONFIG_BPF_SYSCALL;
	hz = CONFIG_HZ;
	nobodys = CONFIG_THAT_NOBODY_HAS;
	wrapper = LINUX_HAS_SYSCALL_WRAPPER;
	/* Kept for their types. */
	if (CONFIG_IPV6 == MODULE && CONFIG_TUN == 'm' && CONFIG_LOCALVERSION[0] == '-')
		version = -version;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
