// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// What kernels differ in, each as a program that some take and others refuse: loaded by `profile`,
// never attached to a hook.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define STUB __attribute__((noinline))
/* Keeps a call of a function that does nothing, and what is handed to it. */
#define KEEP(result, argument) asm volatile("" : "+r"(result) : "r"(argument))

STUB int stub(struct xdp_md *ctx)
{
	int result = XDP_PASS;

	KEEP(result, ctx);
	return result;
}

SEC("xdp")
int host(struct xdp_md *ctx)
{
	return stub(ctx);
}

SEC("freplace")
int replacement(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("fentry")
int BPF_PROG(tracer)
{
	return 0;
}

// Reads half of the pointer that its target takes.
SEC("fentry")
int half(__u32 *ctx)
{
	asm volatile("" ::"r"(ctx[0]));
	return 0;
}

// Changes packet data, which the stub does not.
SEC("freplace")
int move(struct xdp_md *ctx)
{
	return bpf_xdp_adjust_head(ctx, 0) ? XDP_DROP : XDP_PASS;
}

// An entry without any argument, and what replaces it.
SEC("xdp")
int bare(void)
{
	return XDP_PASS;
}

SEC("freplace")
int bare_replacement(void)
{
	return XDP_DROP;
}

// A function that takes a pointer to a struct.
struct number {
	int value;
};

STUB int takes_struct(struct number *number)
{
	return number ? number->value : 0;
}

SEC("xdp")
int struct_host(struct xdp_md *ctx)
{
	struct number number = { .value = XDP_PASS };

	asm volatile("" : "+m"(number));
	return takes_struct(&number);
}

// A function that returns nothing.
STUB void gives_nothing(struct xdp_md *ctx)
{
	asm volatile("" ::"r"(ctx));
}

SEC("xdp")
int void_host(struct xdp_md *ctx)
{
	gives_nothing(ctx);
	return XDP_PASS;
}

// Values that hold a lock or a timer, in replacements of a kprobe's stub.
SEC("kprobe")
int kprobe_host(struct pt_regs *ctx)
{
	return 0;
}

struct locked {
	struct bpf_spin_lock lock;
	int value;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct locked);
} locked SEC(".maps");

struct timed {
	struct bpf_timer timer;
	__u64 value;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct timed);
} timed SEC(".maps");

SEC("freplace")
int locking(struct pt_regs *ctx)
{
	__u32 zero = 0;
	struct locked *found = bpf_map_lookup_elem(&locked, &zero);

	if (!found)
		return 0;
	bpf_spin_lock(&found->lock);
	found->value++;
	bpf_spin_unlock(&found->lock);
	return 0;
}

static __always_inline int count(void)
{
	__u32 zero = 0;
	struct timed *found = bpf_map_lookup_elem(&timed, &zero);

	if (found)
		found->value++;
	return 0;
}

SEC("kprobe")
int timer_host(struct pt_regs *ctx)
{
	return count();
}

SEC("freplace")
int timing(struct pt_regs *ctx)
{
	return count();
}

// A global function that the verifier takes nowhere, called where it off comes to.
const volatile int off = 0;

STUB void *unfit(struct xdp_md *ctx)
{
	void *nothing = 0;

	asm volatile("" : "+r"(nothing) : "r"(ctx));
	return nothing;
}

SEC("xdp")
int lazy(struct xdp_md *ctx)
{
	if (off)
		unfit(ctx);
	return XDP_PASS;
}

// A context that only a tag tells of.
STUB int tagged(void *ctx __attribute__((btf_decl_tag("arg:ctx"))))
{
	int result = XDP_PASS;

	asm volatile("" : "+r"(result) : "r"(ctx));
	return result;
}

SEC("xdp")
int tag(struct xdp_md *ctx)
{
	return tagged(ctx);
}

// 496 and 8 bytes of the stack: 512 where frames are counted in 16 bytes, more where in 32.
#define FRAME(bytes) \
	char frame[bytes]; \
	__builtin_memset(frame, 0, sizeof(frame)); \
	asm volatile("" ::"r"(&frame) : "memory")

static STUB int frame_8(void)
{
	int result = 0;
	FRAME(8);

	asm volatile("" : "+r"(result));
	return result;
}

SEC("xdp")
int frames(struct xdp_md *ctx)
{
	FRAME(496);

	return frame_8();
}

// More than there is, unless each has a stack of its own.
static STUB int frame_320(void)
{
	int result = 0;
	FRAME(320);

	asm volatile("" : "+r"(result));
	return result;
}

SEC("kprobe")
int stacks(void *ctx)
{
	FRAME(320);

	return frame_320();
}

// Twenty functions within each other, all global: more than any kernel takes of static ones.
#define LEVEL(level, below) \
	STUB int level_##level(void) \
	{ \
		int result = below; \
\
		asm volatile("" : "+r"(result)); \
		return result; \
	}

LEVEL(1, 0)
LEVEL(2, level_1())
LEVEL(3, level_2())
LEVEL(4, level_3())
LEVEL(5, level_4())
LEVEL(6, level_5())
LEVEL(7, level_6())
LEVEL(8, level_7())
LEVEL(9, level_8())
LEVEL(10, level_9())
LEVEL(11, level_10())
LEVEL(12, level_11())
LEVEL(13, level_12())
LEVEL(14, level_13())
LEVEL(15, level_14())
LEVEL(16, level_15())
LEVEL(17, level_16())
LEVEL(18, level_17())
LEVEL(19, level_18())

SEC("xdp")
int depth(struct xdp_md *ctx)
{
	return level_19();
}
