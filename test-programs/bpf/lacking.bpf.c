// SPDX-License-Identifier: MIT OR Apache-2.0
/* Programs that ask the kernel for what none has, each for one thing. */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

extern int CONFIG_THAT_NOBODY_HAS __kconfig;
extern const int variable_that_nobody_has __ksym;
extern void function_that_nobody_has(void) __ksym;

struct task_struct {
	int field_that_nobody_has;
} __attribute__((preserve_access_index));

int seen;

SEC("raw_tp") int of_config(void *ctx)
{
	return CONFIG_THAT_NOBODY_HAS;
}

SEC("raw_tp") int of_variable(void *ctx)
{
	seen = variable_that_nobody_has;
	return 0;
}

SEC("raw_tp") int of_function(void *ctx)
{
	function_that_nobody_has();
	return 0;
}

SEC("raw_tp") int of_field(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	seen = BPF_CORE_READ(task, field_that_nobody_has);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
