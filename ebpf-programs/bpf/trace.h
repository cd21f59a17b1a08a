/* SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0 */
/* What the built-in tracer is told. The Rust side is common/src/trace.rs; a test holds the two equal. */
#ifndef TRACE_H
#define TRACE_H

#define FC_TRACE_VALUES 16
#define FC_TRACE_HOPS 3
#define FC_TRACE_TESTS 16
/* Calls of one tracer that may be within each other on one CPU. A power of two. */
#define FC_TRACE_TIMES 8

/* A source that is no argument. */
#define FC_TRACE_RET 0xfe
#define FC_TRACE_TOOK 0xff
/* A place in the payload that is none. */
#define FC_TRACE_NOWHERE 0xffff
/* Where a filter ends. */
#define FC_TRACE_PASS 0xfe
#define FC_TRACE_DROP 0xff
/* How a value stands to a constant. */
#define FC_TRACE_LESS 1
#define FC_TRACE_EQUAL 2
#define FC_TRACE_GREATER 4
/* A duration that is not known: the call was entered before the tracer was attached. */
#define FC_TRACE_UNKNOWN (~0ULL)

/* A pointer that is followed: so many bytes, so far behind where it points. */
struct fc_trace_hop {
	__u32 offset;
	__u32 size;
};

/* A value of a call: an argument, the result, or the duration; or what pointers lead to from it. */
struct fc_trace_value {
	struct fc_trace_hop hops[FC_TRACE_HOPS];
	__u32 block_offset; /* from where it points */
	__u16 block_size;   /* bytes that are copied from there; 0: none */
	__u16 block_to;     /* their place in the payload */
	__u16 to;           /* its own place in the payload */
	__u8 source;        /* the argument's number, or one of the above */
	__u8 hop_count;
};

/* A comparison of a filter. */
struct fc_trace_test {
	__u64 constant;
	__u8 value;     /* which of the values */
	__u8 shift;     /* bits of it that do not count */
	__u8 is_signed;
	__u8 relations; /* those in which it holds */
	__u8 if_true;   /* the next test, a later one; or an end */
	__u8 if_false;
	__u8 reads;     /* whether the value may be one that cannot be read */
	__u8 unused;
};

struct fc_trace {
	struct fc_trace_test tests[FC_TRACE_TESTS];
	struct fc_trace_value values[FC_TRACE_VALUES];
	__u32 type;       /* which layout of the node's the event has */
	__u32 size;       /* of the payload */
	__u16 unread_to;  /* where the bits of what could not be read go */
	__u8 value_count;
	__u8 test_count;
	__u8 tells;       /* whether an entry is an event */
	__u8 times;       /* whether an exit wants to know of it */
	__u16 tested;     /* a bit for each value that the filter looks at */
};

struct fc_time {
	__u64 call; /* its place on the stack; 0: none */
	__u64 at;
};

/* The calls that a tracer saw entered and not yet left, on one CPU. */
struct fc_times {
	struct fc_time times[FC_TRACE_TIMES];
	__u64 took; /* how long the last one was */
	__u32 next;
	__u32 unused;
};

#endif
