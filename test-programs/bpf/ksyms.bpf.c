// SPDX-License-Identifier: MIT OR Apache-2.0
/* Variables and functions of the kernel. */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>


/* A bare address, a variable with a type, and what nobody has. */
extern const void init_task __ksym;
extern const int bpf_prog_active __ksym;
extern const int variable_that_nobody_has __ksym __weak;
extern const void symbol_that_nobody_has __ksym __weak;
extern void function_that_nobody_has(void) __ksym __weak;

__u64 address;
int active = -1;
int nobodys = -1;
int rounds;

SEC("raw_tp/sys_enter") int look(void *ctx)
{
	const int *counter = bpf_this_cpu_ptr(&bpf_prog_active);

	address = (__u64)&init_task;
	active = *counter;
	nobodys = (&variable_that_nobody_has != 0) + (&symbol_that_nobody_has != 0);
	rounds++;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
