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

struct task_struct___of_nobody {
	int another_that_nobody_has;
} __attribute__((preserve_access_index));

struct struct_that_nobody_has {
	int field;
} __attribute__((preserve_access_index));

enum bpf_cmd___of_nobody {
	VALUE_THAT_NOBODY_HAS = 7,
};

const volatile int asked;
const volatile int asked_already = 1;

#define TASK ((struct task_struct *)bpf_get_current_task())
#define OF_NOBODY ((struct task_struct___of_nobody *)bpf_get_current_task())

SEC("raw_tp") int of_flavor(void *ctx)
{
	seen = BPF_CORE_READ(OF_NOBODY, another_that_nobody_has);
	return 0;
}

/* Of a type that is not there it is 0. */
int size_of_nothing = -1;

SEC("raw_tp") int of_type(void *ctx)
{
	size_of_nothing = bpf_core_type_size(struct struct_that_nobody_has);
	return 0;
}

SEC("raw_tp") int of_value(void *ctx)
{
	seen = bpf_core_enum_value(enum bpf_cmd___of_nobody, VALUE_THAT_NOBODY_HAS);
	return 0;
}

/* Either of two ways leads there. */
SEC("raw_tp") int of_field_in_the_end(void *ctx)
{
	if (asked)
		seen = 1;
	seen += BPF_CORE_READ(TASK, field_that_nobody_has);
	return 0;
}

SEC("raw_tp") int if_asked(void *ctx)
{
	if (asked)
		seen = BPF_CORE_READ(TASK, field_that_nobody_has);
	return 0;
}

SEC("raw_tp") int if_asked_already(void *ctx)
{
	if (asked_already)
		seen = BPF_CORE_READ(TASK, field_that_nobody_has);
	return 0;
}

SEC("raw_tp") int tests_it(void *ctx)
{
	if (bpf_core_field_exists(TASK->field_that_nobody_has))
		seen = BPF_CORE_READ(TASK, field_that_nobody_has);
	return 0;
}

SEC("raw_tp") int tests_the_type(void *ctx)
{
	if (bpf_core_type_exists(struct struct_that_nobody_has))
		seen = BPF_CORE_READ(OF_NOBODY, another_that_nobody_has);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
