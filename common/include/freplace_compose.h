/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * freplace_compose.h: stubs, events and calls for eBPF programs of a chain.
 *
 *   FC_STUB int handler(__u64 sk) { return fc_stub(0, sk); }    a replaceable function
 *
 *   __u64 outer = fc_enter();                                   a host: one call begins
 *   struct tcp_event *event = fc_reserve(struct tcp_event);     an event, header filled in
 *   if (event) { event->...; fc_submit(event); }
 *   fc_leave(outer);                                            ... and ends
 *
 * The payload is any struct of yours: the composer decodes it from the object's BTF and prints
 * its fields by name. The typedefs below determine the format of a field. A field named `ret` is
 * shown as `= value`. If the buffer is full, the event is counted as lost for its node.
 *
 * Include <linux/bpf.h>, <bpf/bpf_helpers.h> and <bpf/bpf_core_read.h> first. Requires Linux 5.8
 * (ring buffer) and clang 12.
 */
#ifndef FREPLACE_COMPOSE_H
#define FREPLACE_COMPOSE_H

/* Formats of fields. Multi-byte values are in network order where noted. */
typedef __u32 fc_ipv4_t;                           /* 10.0.2.15; network order */
typedef struct { __u8 octets[16]; } fc_ipv6_t;     /* 2001:db8::1; network order */
typedef struct { __u8 octets[16]; } fc_ip_t;       /* either: IPv4 as ::ffff:a.b.c.d, shown as a.b.c.d */
typedef __u16 fc_port_t;                           /* 443; network order */
typedef struct { __u8 octets[6]; } fc_mac_t;       /* 02:00:5e:10:00:01 */
typedef __u64 fc_ns_t;                             /* a duration in nanoseconds: 11 µs */
typedef int fc_errno_t;                            /* -13 is shown as -EACCES */
typedef struct { fc_ip_t addr; fc_port_t port; } fc_endpoint_t;       /* 10.0.2.15:443 */
typedef struct { fc_endpoint_t source, destination; } fc_flow_t;      /* a:1 → b:2 */

/* Precedes every payload. The Rust side is common/src/lib.rs; a test compares the two. */
struct fc_header {
	__u64 time_ns;  /* CLOCK_MONOTONIC, nanoseconds */
	__u64 call;     /* the same for all nodes in one invocation of a host; 0: none */
	__u32 node;     /* set by the composer for each instance */
	__u32 type;     /* BTF id of the payload's struct in the program's own object */
	__u32 size;     /* of the payload, bytes */
	__u32 cpu;
	__u32 pid;      /* of the process (tgid); 0 where the hook has no current task */
	__u32 tid;
	char comm[16];
};

struct fc_count { __u64 produced, lost; };
struct fc_call { __u64 last, current; };

/* One ring buffer for the whole chain, which preserves the order of events. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 512 * 1024);
} fc_events SEC(".maps");

/* Produced and lost events of each node; the composer creates one entry per node. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fc_count);
} fc_counts SEC(".maps");

/* The number of the current call on this CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fc_call);
} fc_calls SEC(".maps");

/*
 * Set by the composer before the program is loaded. They are in frozen read-only data, so the
 * verifier treats them as constants: with fc_has_task = 0 the helpers that a network hook does
 * not offer are dead code, and the same source works at every hook.
 */
const volatile __u32 fc_node = 0;
const volatile __u32 fc_has_task = 0;

/*
 * A stub: global and not inlined, so that the kernel can replace it.
 *
 * Use fc_stub(result, arguments...) in its body. It costs no instruction, and keeps alive what
 * clang would otherwise remove: a constant result (the call is removed, and the stub with it)
 * and arguments that the body does not use (the caller then does not pass them).
 * A stub returns a scalar; its arguments are the context, scalars, or pointers to memory of a
 * known size. Pass a kernel pointer as a __u64.
 */
#define FC_STUB __attribute__((noinline))

#define fc__keep_0()
#define fc__keep_1(a) asm volatile("" ::"r"(a));
#define fc__keep_2(a, b) fc__keep_1(a) fc__keep_1(b)
#define fc__keep_3(a, b, c) fc__keep_2(a, b) fc__keep_1(c)
#define fc__keep_4(a, b, c, d) fc__keep_3(a, b, c) fc__keep_1(d)
#define fc__keep_5(a, b, c, d, e) fc__keep_4(a, b, c, d) fc__keep_1(e)
#define fc__pick(_0, _1, _2, _3, _4, _5, name, ...) name
#define fc__keep(...) \
	fc__pick(_0, ##__VA_ARGS__, fc__keep_5, fc__keep_4, fc__keep_3, fc__keep_2, fc__keep_1, \
		 fc__keep_0)(__VA_ARGS__)
#define fc_stub(result, ...) \
	({ \
		__typeof__(result) fc__result = (result); \
		asm volatile("" : "+r"(fc__result)); \
		fc__keep(__VA_ARGS__) \
		fc__result; \
	})

/*
 * A helper of the kernel behind a function, so that a test can mock it or a chain replace it:
 *
 *   fc_helper(long, bpf_fib_lookup, (struct xdp_md *ctx, struct bpf_fib_lookup *params),
 *             params ? bpf_fib_lookup(ctx, params, sizeof(*params), 0) : -1)
 *
 * defines fc_bpf_fib_lookup(ctx, params), which is called instead. It is a stub, so its parameters are
 * the context, scalars, or pointers to memory of a known size, which may be NULL for the verifier; and
 * only what is a function can be replaced: calls of the helper elsewhere are not.
 */
#define fc_helper(type, name, parameters, call) \
	FC_STUB type fc_##name parameters \
	{ \
		return (call); \
	}

/* Begins a host's call and numbers it; returns the number of the call that it interrupted. */
static __always_inline __u64 fc_enter(void)
{
	__u32 zero = 0;
	struct fc_call *call = bpf_map_lookup_elem(&fc_calls, &zero);
	__u64 outer;

	if (!call)
		return 0;
	outer = call->current;
	call->last += 1;
	/* Unique over CPUs without an atomic: the CPU is in the upper bits. */
	call->current = ((__u64)bpf_get_smp_processor_id() + 1) << 48 | call->last;
	return outer;
}

static __always_inline void fc_leave(__u64 outer)
{
	__u32 zero = 0;
	struct fc_call *call = bpf_map_lookup_elem(&fc_calls, &zero);

	if (call)
		call->current = outer;
}

static __always_inline void *fc__reserve_at(__u64 size, __u32 type, __u64 time_ns)
{
	__u32 node = fc_node, zero = 0;
	struct fc_count *count = bpf_map_lookup_elem(&fc_counts, &node);
	struct fc_header *header = bpf_ringbuf_reserve(&fc_events, sizeof(*header) + size, 0);
	struct fc_call *call;

	if (count) {
		__sync_fetch_and_add(&count->produced, 1);
		if (!header)
			__sync_fetch_and_add(&count->lost, 1);
	}
	if (!header)
		return 0;
	call = bpf_map_lookup_elem(&fc_calls, &zero);
	header->time_ns = time_ns;
	header->call = call ? call->current : 0;
	header->node = node;
	header->type = type;
	header->size = size;
	header->cpu = bpf_get_smp_processor_id();
	header->pid = header->tid = 0;
	__builtin_memset(header->comm, 0, sizeof(header->comm));
	if (fc_has_task) {
		__u64 id = bpf_get_current_pid_tgid();

		header->pid = id >> 32;
		header->tid = (__u32)id;
		bpf_get_current_comm(header->comm, sizeof(header->comm));
	}
	return header + 1;
}

static __always_inline void *fc__reserve(__u64 size, __u32 type)
{
	return fc__reserve_at(size, type, bpf_ktime_get_ns());
}

/* Reserves an event with a payload of `type` and fills in its header; NULL if the buffer is full. */
#define fc_reserve(type) ((type *)fc__reserve(sizeof(type), bpf_core_type_id_local(type)))

/* Submits the event. Do not use the pointer afterwards. */
#define fc_submit(event) bpf_ringbuf_submit((struct fc_header *)(event) - 1, 0)

/* Discards the event. Do not use the pointer afterwards. */
#define fc_discard(event) \
	({ \
		fc__uncount(); \
		bpf_ringbuf_discard((struct fc_header *)(event) - 1, 0); \
	})

static __always_inline void fc__uncount(void)
{
	__u32 node = fc_node;
	struct fc_count *count = bpf_map_lookup_elem(&fc_counts, &node);

	if (count)
		__sync_fetch_and_add(&count->produced, -1);
}

/* 10.0.2.15 as the 16 bytes of ::ffff:10.0.2.15. */
static __always_inline void fc_ip_from_v4(fc_ip_t *ip, __u32 v4)
{
	__builtin_memset(ip->octets, 0, 10);
	ip->octets[10] = ip->octets[11] = 0xff;
	__builtin_memcpy(&ip->octets[12], &v4, 4);
}

#endif
