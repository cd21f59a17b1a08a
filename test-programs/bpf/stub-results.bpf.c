// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Stubs of every result, each with a host of its own, since the kernel refuses the host.
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

enum small { SMALL_A, SMALL_B };
enum wide { WIDE = 0x100000000LL };
typedef int my_int;
struct record { __u64 a; };

#define RESULT(name, type) \
	__attribute__((noinline)) type stub_##name(struct xdp_md *ctx) \
	{ \
		__u64 value = 0; \
		asm volatile("" : "+r"(value) : "r"(ctx)); \
		return (type)value; \
	} \
	SEC("xdp") \
	int host_##name(struct xdp_md *ctx) \
	{ \
		type value = stub_##name(ctx); \
		asm volatile("" ::"r"(value)); \
		return XDP_PASS; \
	} \
	SEC("freplace") \
	type replace_##name(struct xdp_md *ctx) \
	{ \
		return (type)0; \
	}

RESULT(char, char)
RESULT(short, short)
RESULT(unsigned, unsigned int)
RESULT(long, long)
RESULT(boolean, bool)
RESULT(enum, enum small)
RESULT(wide_enum, enum wide)
RESULT(typedef, my_int)
RESULT(pointer, void *)
RESULT(pointer_to_struct, struct record *)
