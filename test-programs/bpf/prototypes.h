/* SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0 */
/*
 * Prototypes that differ in one way or another, written once: as stubs of a host and as
 * replacements. Each replacement is tried on each stub, by the validator and by the kernel.
 *
 * X(name, result, parameters, arguments that keep the parameters alive)
 */
#ifndef PROTOTYPES_H
#define PROTOTYPES_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct record { __u64 a; __u32 b; };
struct other { __u64 a; __u32 b; };
union either { __u64 a; __u32 b; };
enum two { TWO_A, TWO_B };
enum three { THREE_A, THREE_B, THREE_C };
typedef __u32 my_u32;
typedef struct record my_record;

#define KEEP0() asm volatile("")
#define KEEP1(a) asm volatile("" ::"r"(a))
#define KEEP2(a, b) asm volatile("" ::"r"(a), "r"(b))

#define PROTOTYPES(X) \
	X(nothing, int, (void), KEEP0()) \
	X(context, int, (struct xdp_md *ctx), KEEP1(ctx)) \
	X(constant_context, int, (const struct xdp_md *ctx), KEEP1(ctx)) \
	X(context_and_u32, int, (struct xdp_md *ctx, __u32 n), KEEP2(ctx, n)) \
	X(context_and_u64, int, (struct xdp_md *ctx, __u64 n), KEEP2(ctx, n)) \
	X(context_and_record, int, (struct xdp_md *ctx, struct record *r), KEEP2(ctx, r)) \
	X(byte, int, (__u8 n), KEEP1(n)) \
	X(boolean, int, (bool n), KEEP1(n)) \
	X(word, int, (__u16 n), KEEP1(n)) \
	X(unsigned_int, int, (__u32 n), KEEP1(n)) \
	X(signed_int, int, (int n), KEEP1(n)) \
	X(typedef_int, int, (my_u32 n), KEEP1(n)) \
	X(unsigned_long, int, (__u64 n), KEEP1(n)) \
	X(enum_of_two, int, (enum two n), KEEP1(n)) \
	X(enum_of_three, int, (enum three n), KEEP1(n)) \
	X(pointer_to_record, int, (struct record *r), KEEP1(r)) \
	X(pointer_to_typedef, int, (my_record *r), KEEP1(r)) \
	X(pointer_to_other, int, (struct other *r), KEEP1(r)) \
	X(pointer_to_union, int, (union either *r), KEEP1(r)) \
	X(pointer_to_char, int, (char *r), KEEP1(r)) \
	X(returns_long, long, (void), KEEP0()) \
	X(returns_unsigned, __u32, (void), KEEP0()) \
	X(returns_enum, enum three, (void), KEEP0()) \
	X(returns_boolean, bool, (void), KEEP0())

#endif
