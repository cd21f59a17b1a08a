/* SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0 */
/* A dispatcher with the names that bpfman gives to its own: places that answer that the next one is to be asked
 * until a program takes them, and as many of them in use as read-only data says. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define NEXT 30
#define PLACE(name, context)                                     \
	__attribute__((noinline)) int name(struct context *ctx)  \
	{                                                        \
		volatile int answer = NEXT;                      \
		if (!ctx)                                        \
			return 0;                                \
		return answer;                                   \
	}
#define ASK(number, place)                                       \
	if (used <= number)                                      \
		return PASS;                                     \
	answer = place(ctx);                                     \
	if (answer != NEXT)                                      \
		return answer;

#define DISPATCHER(section, name, context)                       \
	const volatile struct {                                  \
		__u8 used;                                       \
	} conf = { .used = 2 };                                  \
	PLACE(prog0, context)                                    \
	PLACE(prog1, context)                                    \
	PLACE(compat_test, context)                              \
	SEC(section)                                             \
	int name(struct context *ctx)                            \
	{                                                        \
		__u8 used = conf.used;                           \
		int answer;                                      \
                                                                 \
		ASK(0, prog0)                                    \
		ASK(1, prog1)                                    \
		ASK(10, compat_test)                             \
		return PASS;                                     \
	}                                                        \
	SEC("freplace")                                          \
	int fills(struct context *ctx)                           \
	{                                                        \
		return NEXT;                                     \
	}
