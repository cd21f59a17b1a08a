// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Types as a kernel's BTF has them: a tracepoint is a typedef of a function that takes its
// arguments behind a pointer of its own.
struct task_struct;

typedef void (*btf_trace_sched_switch)(void *, int, struct task_struct *, struct task_struct *, unsigned int);
typedef void (*btf_trace_kfree)(void *, unsigned long, const void *);
typedef int pid_t;

struct kernel_part {
	int deep;
};

struct kernel_thing {
	int here;
	struct {
		union {
			int nameless;
			long wide;
		};
	};
	struct kernel_part parts[4];
};

union kernel_choice {
	int chosen;
};

enum kernel_kind {
	KERNEL_KIND_ONE = 1,
};

struct kernel_thing thing;
union kernel_choice choice;
enum kernel_kind kind_of_thing;

btf_trace_sched_switch at_switch;
btf_trace_kfree at_free;
pid_t pid;

__attribute__((noinline)) int tcp_connect(void *sk)
{
	return sk != 0;
}
