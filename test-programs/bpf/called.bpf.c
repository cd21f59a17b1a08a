// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Hosts that call a global function which is no stub of any chain: what its prototype may be, what it
// may be handed, how deep calls may go and how much of the stack they may take.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#define NOINLINE __attribute__((noinline))
#define ARG_CTX __attribute__((btf_decl_tag("arg:ctx")))
#define ARG_NONNULL __attribute__((btf_decl_tag("arg:nonnull")))

struct unknown;
struct record { __u64 a, b; };
struct large { __u64 words[8]; };
union either { __u64 a; __u32 b; };
enum verdict { ACCEPT, REFUSE };
typedef struct unknown hidden_t;
typedef int (*code_t)(int);

const volatile __u32 never = 0;
const volatile struct record constants = { 1, 2 };
struct record variable;

#define KEEP(value) asm volatile("" : "+r"(value))
#define USE(value) asm volatile("" ::"r"(value))

#define XDP(name, ...) \
	SEC("xdp") int called_##name(struct xdp_md *ctx) { __VA_ARGS__; return XDP_PASS; }
#define KPROBE(name, ...) \
	SEC("kprobe/__x64_sys_getpgid") int called_##name(struct pt_regs *ctx) { __VA_ARGS__; return 0; }

/* Results. */
#define RESULT(name, type) \
	NOINLINE type returns_##name(struct xdp_md *ctx) { long r = 0; USE(ctx); KEEP(r); return (type)r; } \
	XDP(returns_##name, returns_##name(ctx))

NOINLINE void returns_nothing(struct xdp_md *ctx) { USE(ctx); }
XDP(returns_nothing, returns_nothing(ctx))
RESULT(int, int)
RESULT(long, long)
RESULT(bool, bool)
RESULT(enum, enum verdict)
RESULT(pointer, void *)
RESULT(record_pointer, struct record *)

/* Arguments; each is handed what fits. */
#define TAKES(name, type, ...) \
	NOINLINE int takes_##name(type value) { int r = 0; USE(value); KEEP(r); return r; } \
	XDP(takes_##name, struct record record = { 1, 2 }; USE(&record); takes_##name(__VA_ARGS__))

TAKES(unknown, struct unknown *, 0)
TAKES(hidden, hidden_t *, 0)
TAKES(unknown_constant, const struct unknown *, 0)
TAKES(void, void *, 0)
TAKES(code, code_t, 0)
TAKES(pointer, struct unknown **, 0)
TAKES(bytes, char *, (char *)&record)
TAKES(union, union either *, (union either *)&record)
TAKES(enum, enum verdict, ACCEPT)
TAKES(record, struct record *, &record)
TAKES(number, __u64, 7)
TAKES(other_context, struct __sk_buff *, 0)

/* The second argument. */
NOINLINE int takes_unknown_second(struct xdp_md *ctx, struct unknown *u) { USE(ctx); USE(u); return ctx->rx_queue_index; }
XDP(takes_unknown_second, takes_unknown_second(ctx, 0))

/* Tags. */
NOINLINE int tagged_context(void *ctx ARG_CTX) { int r = 0; USE(ctx); KEEP(r); return r; }
XDP(tagged_context, tagged_context(ctx))
NOINLINE int tagged_own_context(struct xdp_md *ctx ARG_CTX) { int r = 0; USE(ctx); KEEP(r); return r; }
XDP(tagged_own_context, tagged_own_context(ctx))
NOINLINE int tagged_nonnull(struct record *record ARG_NONNULL) { int r = 0; USE(record); KEEP(r); return r; }
XDP(tagged_nonnull, struct record record = { 1, 2 }; tagged_nonnull(&record))

/* How it is come to. */
NOINLINE void behind_never(struct xdp_md *ctx) { USE(ctx); }
XDP(behind_never, if (never) behind_never(ctx))
NOINLINE void behind_always(struct xdp_md *ctx) { USE(ctx); }
XDP(behind_always, if (!never) behind_always(ctx))
NOINLINE void on_a_path(struct xdp_md *ctx) { USE(ctx); }
XDP(on_a_path, if (ctx->rx_queue_index == 7) on_a_path(ctx))
NOINLINE void behind_static(struct xdp_md *ctx) { USE(ctx); }
static NOINLINE int through_static(struct xdp_md *ctx) { int r = 0; behind_static(ctx); KEEP(r); return r; }
XDP(behind_static, through_static(ctx))
NOINLINE void behind_global(struct xdp_md *ctx) { USE(ctx); }
NOINLINE int through_global(struct xdp_md *ctx) { int r = 0; behind_global(ctx); KEEP(r); return r; }
XDP(behind_global, through_global(ctx))
/* A static function may return and take what it likes. */
static NOINLINE void of_static(struct unknown *u) { USE(u); }
XDP(of_static, of_static(0))

/* What it is handed. */
NOINLINE int of_context(struct xdp_md *ctx) { int r = 0; USE(ctx); KEEP(r); return r; }
XDP(moved_context, of_context((struct xdp_md *)((char *)ctx + 4)))
XDP(moved_back, void *moved = (char *)ctx + 4; KEEP(moved); of_context((struct xdp_md *)((char *)moved - 4)))
NOINLINE int of_second_context(__u32 n, struct xdp_md *ctx) { int r = 0; USE(n); USE(ctx); KEEP(r); return r; }
XDP(moved_second_context, of_second_context(1, (struct xdp_md *)((char *)ctx + 8)))
NOINLINE int writes(struct record *record) { int r = 0; if (record) record->a = 1; KEEP(r); return r; }
NOINLINE int reads(const struct record *record) { int r = record ? record->a : 0; KEEP(r); return r; }
XDP(constant_written, writes((struct record *)&constants))
XDP(constant_read, reads((const struct record *)&constants))
XDP(variable_written, writes(&variable))
NOINLINE int of_large(struct large *large) { int r = 0; USE(large); KEEP(r); return r; }
XDP(stack_too_small, struct record record = { 1, 2 }; of_large((struct large *)&record))
XDP(stack_enough, struct large large = {}; of_large(&large))
XDP(stack_inner, struct large large[2] = {}; USE(&large); of_large((struct large *)&large[1].words[1]))
XDP(stack_unset, struct record record; USE(&record); reads(&record))

/* The stack: frames of 16 bytes on the newer kernels, of 32 and at least that on the older ones. */
#define FRAME(bytes) \
	char frame[bytes]; \
	__builtin_memset(frame, 0, sizeof(frame)); \
	asm volatile("" ::"r"(&frame) : "memory")

NOINLINE int frame_256(void) { FRAME(256); int r = 0; KEEP(r); return r; }
NOINLINE int frame_8(void) { FRAME(8); int r = 0; KEEP(r); return r; }
static NOINLINE int static_frame_256(void) { FRAME(256); int r = 0; KEEP(r); return r; }
static NOINLINE int frames_of_256(void) { FRAME(248); return static_frame_256(); }
XDP(stack_512, FRAME(256); frame_256())
XDP(stack_528, FRAME(272); frame_256())
XDP(stack_504, FRAME(496); frame_8())
XDP(stack_static, FRAME(272); static_frame_256())
XDP(stack_three, FRAME(40); frames_of_256())
XDP(stack_apart, FRAME(248); frame_256(); frame_256())
XDP(stack_on_a_path, FRAME(272); if (ctx->rx_queue_index == 7) frame_256())
XDP(stack_behind_never, FRAME(272); if (never) frame_256())
KPROBE(stack_of_kprobe, FRAME(272); frame_256())
NOINLINE int frame_on_a_path(struct xdp_md *ctx)
{
	int r = 0;
	if (ctx->rx_queue_index == 7) {
		FRAME(256);
		KEEP(r);
	}
	return r;
}
XDP(stack_used_on_a_path, FRAME(272); frame_on_a_path(ctx))

/* Depth. */
#define LEVEL(storage, name, level, below) \
	storage NOINLINE int name##_##level(void) { int r = name##_##below(); KEEP(r); return r; }
#define LEVELS(storage, name) \
	storage NOINLINE int name##_1(void) { int r = 1; KEEP(r); return r; } \
	LEVEL(storage, name, 2, 1) LEVEL(storage, name, 3, 2) LEVEL(storage, name, 4, 3) \
	LEVEL(storage, name, 5, 4) LEVEL(storage, name, 6, 5) LEVEL(storage, name, 7, 6) \
	LEVEL(storage, name, 8, 7)
LEVELS(static, static_level)
LEVELS(, global_level)
XDP(static_seven, static_level_7())
XDP(static_eight, static_level_8())
XDP(global_seven, global_level_7())
XDP(global_eight, global_level_8())
XDP(deep_behind_never, if (never) global_level_8())

/* In a circle. */
NOINLINE int circle(int n) { int r = n > 0 ? circle(n - 1) : 0; KEEP(r); return r + 1; }
XDP(circle, circle(2))

/* In a replacement, and in a tracer. */
NOINLINE int stub_called(struct xdp_md *ctx) { int r = 0; USE(ctx); KEEP(r); return r; }
XDP(host, stub_called(ctx))
NOINLINE void of_replacement(struct xdp_md *ctx) { USE(ctx); }
SEC("freplace") int replacement_calls_nothing(struct xdp_md *ctx) { of_replacement(ctx); return 0; }
SEC("freplace") int replacement_calls_context(struct xdp_md *ctx) { return of_context(ctx); }
SEC("freplace") int replacement_with_frames(struct xdp_md *ctx) { FRAME(272); return frame_256(); }
NOINLINE void of_tracer(int n) { USE(n); }
SEC("fentry") int tracer_calls_nothing(void *ctx) { of_tracer(1); return 0; }
SEC("fentry") int tracer_calls_something(void *ctx) { return frame_8() & 0; }
SEC("fentry") int tracer_with_frames(void *ctx) { FRAME(272); return frame_256() & 0; }

/* Tracers of a function that takes the context, which is a struct xdp_buff to them. */
struct xdp_buff {
	void *data;
	void *data_end;
	__u32 frame_sz;
} __attribute__((preserve_access_index));
struct xdp_md___found {
	__u32 data;
	__u32 rx_queue_index;
} __attribute__((preserve_access_index));
#define TRACER(name, type, field) \
	SEC("fentry") int tracer_##name(unsigned long long *ctx) \
	{ \
		type *passed = (void *)ctx[0]; \
		__u64 read = (__u64)passed->field; \
		USE(read); \
		return 0; \
	}
TRACER(reads_data, struct xdp_md, data)
TRACER(reads_queue, struct xdp_md, rx_queue_index)
TRACER(reads_found, struct xdp_md___found, rx_queue_index)
TRACER(reads_buffer, struct xdp_buff, data)
TRACER(reads_frame_size, struct xdp_buff, frame_sz)
SEC("fentry") int tracer_reads_nothing(unsigned long long *ctx) { USE(ctx[0]); return 0; }
SEC("fentry.s/called_host") int tracer_may_sleep(void *ctx) { return 0; }
SEC("fexit.s") int tracer_may_sleep_at_exit(void *ctx) { return 0; }
