// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A host with one stub of each prototype.
#include "prototypes.h"

char LICENSE[] SEC("license") = "GPL";

#define STUB(name, result, parameters, keep) \
	__attribute__((noinline)) result stub_##name parameters \
	{ \
		result value = 0; \
		keep; \
		asm volatile("" : "+r"(value)); \
		return value; \
	}
PROTOTYPES(STUB)

SEC("xdp")
int host(struct xdp_md *ctx)
{
	struct record record = {};
	struct other other = {};
	union either either = {};
	char text = 0;

	stub_nothing();
	stub_context(ctx);
	stub_constant_context(ctx);
	stub_context_and_u32(ctx, 1);
	stub_context_and_u64(ctx, 1);
	stub_context_and_record(ctx, &record);
	stub_byte(1);
	stub_boolean(1);
	stub_word(1);
	stub_unsigned_int(1);
	stub_signed_int(1);
	stub_typedef_int(1);
	stub_unsigned_long(1);
	stub_enum_of_two(TWO_A);
	stub_enum_of_three(THREE_A);
	stub_pointer_to_record(&record);
	stub_pointer_to_typedef(&record);
	stub_pointer_to_other(&other);
	stub_pointer_to_union(&either);
	stub_pointer_to_char(&text);
	stub_returns_long();
	stub_returns_unsigned();
	stub_returns_enum();
	stub_returns_boolean();
	return XDP_PASS;
}
