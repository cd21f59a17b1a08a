// SPDX-License-Identifier: MIT OR Apache-2.0
/* A good program in bad company: nothing of what stands beside it can be loaded, and none of it is
 * asked for. */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>


int passed;

SEC("xdp") int pass(struct xdp_md *ctx)
{
	passed++;
	return XDP_PASS;
}

/* What no kernel has, and no program may do without. */
extern int CONFIG_THAT_NOBODY_HAS __kconfig;
extern const int variable_that_nobody_has __ksym;
extern void function_that_nobody_has(void) __ksym;

struct kernel_struct_that_nobody_has {
	int field;
} __attribute__((preserve_access_index));

/* Sizes that no kernel takes. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, 3);
	__uint(value_size, 0);
	__uint(max_entries, 0);
} impossible SEC(".maps");

int nothing_here SEC(".bss.unused");
const volatile char unused_table[1 << 20] = { 1 };

SEC("tp_btf/sched_switch") int beside(unsigned long long *ctx)
{
	struct kernel_struct_that_nobody_has *pointer = (void *)ctx[0];
	int key = CONFIG_THAT_NOBODY_HAS;

	function_that_nobody_has();
	nothing_here = BPF_CORE_READ(pointer, field);
	bpf_map_update_elem(&impossible, &key, &key, 0);
	return unused_table[key & 0xff] + (long)&variable_that_nobody_has;
}

/* Code without a symbol, as linkers leave it behind of a weak function that lost. */
asm(".section .text\n"
    "r0 = 1\n"
    "exit\n");

/* Takes nothing and answers nothing, which no kernel before 7.2 lets be global. */
__noinline void beside_void(void)
{
	passed = 0;
}

char LICENSE[] SEC("license") = "GPL";
