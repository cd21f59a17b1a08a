// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Programs that go by types of a kernel, which vmlinux.bpf.c stands for.
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct kernel_part {
	int deep;
	int deeper;
};

struct kernel_thing {
	int gone;
	int here;
	struct {
		int nameless;
		int nameless_gone;
	};
	struct kernel_part parts[2];
};

struct kernel_thing___of_another {
	int here;
	int flavored;
};

struct kernel_gone {
	int field;
};

// A union there.
struct kernel_choice {
	int chosen;
};
#pragma clang attribute pop

enum kernel_kind {
	KERNEL_KIND_ONE = 7,
	KERNEL_KIND_GONE = 8,
};

const volatile int asked;
int seen;

#define THING ((struct kernel_thing *)bpf_get_current_task())
#define OTHER ((struct kernel_thing___of_another *)bpf_get_current_task())

SEC("raw_tp") int finds_all(void *ctx)
{
	seen = BPF_CORE_READ(THING, here) + BPF_CORE_READ(THING, nameless) +
	       BPF_CORE_READ(THING, parts[1].deep) + BPF_CORE_READ(OTHER, here) +
	       bpf_core_enum_value(enum kernel_kind, KERNEL_KIND_ONE) +
	       bpf_core_type_size(struct kernel_thing);
	return 0;
}

SEC("raw_tp") int of_field(void *ctx)
{
	seen = BPF_CORE_READ(THING, gone);
	return 0;
}

SEC("raw_tp") int of_nameless(void *ctx)
{
	seen = BPF_CORE_READ(THING, nameless_gone);
	return 0;
}

SEC("raw_tp") int of_part(void *ctx)
{
	seen = BPF_CORE_READ(THING, parts[1].deeper);
	return 0;
}

SEC("raw_tp") int of_flavor(void *ctx)
{
	seen = BPF_CORE_READ(OTHER, flavored);
	return 0;
}

// Of a type that is not there it is 0.
SEC("raw_tp") int of_type(void *ctx)
{
	seen = bpf_core_type_size(struct kernel_gone);
	return 0;
}

SEC("raw_tp") int of_kind(void *ctx)
{
	seen = BPF_CORE_READ((struct kernel_choice *)bpf_get_current_task(), chosen);
	return 0;
}

SEC("raw_tp") int of_value(void *ctx)
{
	seen = bpf_core_enum_value(enum kernel_kind, KERNEL_KIND_GONE);
	return 0;
}

SEC("raw_tp") int if_asked(void *ctx)
{
	if (asked)
		seen = BPF_CORE_READ(THING, gone);
	return 0;
}

SEC("raw_tp") int tests_it(void *ctx)
{
	if (bpf_core_field_exists(THING->gone))
		seen = BPF_CORE_READ(THING, gone);
	return 0;
}

SEC("raw_tp") int tests_another(void *ctx)
{
	if (bpf_core_field_exists(THING->here))
		seen = BPF_CORE_READ(THING, here);
	else
		seen = BPF_CORE_READ(OTHER, flavored);
	return 0;
}

// The test is of no use to what stands before it.
SEC("raw_tp") int tests_late(void *ctx)
{
	seen = BPF_CORE_READ(THING, gone);
	if (bpf_core_field_exists(THING->nameless_gone))
		seen += BPF_CORE_READ(THING, nameless_gone);
	return 0;
}
