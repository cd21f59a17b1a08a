// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// The smallest chain there is: loaded, never attached to a hook, to find out what a kernel allows.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

__attribute__((noinline)) int probe_stub(struct xdp_md *ctx)
{
	int result = XDP_PASS;

	asm volatile("" : "+r"(result) : "r"(ctx));
	return result;
}

SEC("xdp")
int probe_host(struct xdp_md *ctx)
{
	return probe_stub(ctx);
}

SEC("freplace")
int probe_replacement(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("fentry")
int BPF_PROG(probe_tracer)
{
	return 0;
}

// Reads half of the pointer that its target takes.
SEC("fentry")
int probe_half(__u32 *ctx)
{
	asm volatile("" ::"r"(ctx[0]));
	return 0;
}

// Changes packet data, which the stub does not.
SEC("freplace")
int probe_move(struct xdp_md *ctx)
{
	return bpf_xdp_adjust_head(ctx, 0) ? XDP_DROP : XDP_PASS;
}

// An entry without any argument, and what replaces it.
SEC("xdp")
int probe_bare(void)
{
	return XDP_PASS;
}

SEC("freplace")
int probe_bare_replacement(void)
{
	return XDP_DROP;
}

#define NOINLINE __attribute__((noinline))

// A global function that the verifier takes nowhere, called where it never comes to.
const volatile int probe_never = 0;

NOINLINE void *probe_unfit(struct xdp_md *ctx)
{
	void *nothing = 0;

	asm volatile("" : "+r"(nothing) : "r"(ctx));
	return nothing;
}

SEC("xdp")
int probe_lazy(struct xdp_md *ctx)
{
	if (probe_never)
		probe_unfit(ctx);
	return XDP_PASS;
}

// A context that only a tag tells of.
NOINLINE int probe_tagged(void *ctx __attribute__((btf_decl_tag("arg:ctx"))))
{
	int result = XDP_PASS;

	asm volatile("" : "+r"(result) : "r"(ctx));
	return result;
}

SEC("xdp")
int probe_tag(struct xdp_md *ctx)
{
	return probe_tagged(ctx);
}

// 496 and 8 bytes of the stack: 512 where frames are counted in 16 bytes, more where in 32.
#define FRAME(bytes) \
	char frame[bytes]; \
	__builtin_memset(frame, 0, sizeof(frame)); \
	asm volatile("" ::"r"(&frame) : "memory")

static NOINLINE int probe_frame_8(void)
{
	int result = 0;
	FRAME(8);

	asm volatile("" : "+r"(result));
	return result;
}

SEC("xdp")
int probe_frames(struct xdp_md *ctx)
{
	FRAME(496);

	return probe_frame_8();
}

// More than there is, unless each has a stack of its own.
static NOINLINE int probe_frame_320(void)
{
	int result = 0;
	FRAME(320);

	asm volatile("" : "+r"(result));
	return result;
}

SEC("kprobe")
int probe_stacks(void *ctx)
{
	FRAME(320);

	return probe_frame_320();
}

// Nine functions within each other, all global.
#define LEVEL(level, below) \
	NOINLINE int probe_level_##level(void) \
	{ \
		int result = below; \
\
		asm volatile("" : "+r"(result)); \
		return result; \
	}

LEVEL(1, 0)
LEVEL(2, probe_level_1())
LEVEL(3, probe_level_2())
LEVEL(4, probe_level_3())
LEVEL(5, probe_level_4())
LEVEL(6, probe_level_5())
LEVEL(7, probe_level_6())
LEVEL(8, probe_level_7())

SEC("xdp")
int probe_depth(struct xdp_md *ctx)
{
	return probe_level_8();
}
