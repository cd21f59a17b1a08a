// SPDX-License-Identifier: MIT OR Apache-2.0
/* Structs and enums beside others of their name, which match them or do not. */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct whole;
struct other;

struct numbers {
	int first;
	unsigned short second;
	char text[16];
	struct whole *pointer;
	int (*call)(struct whole *, int);
	struct {
		int inner;
	} within;
	union {
		int one;
		char two;
	};
};

struct numbers___alike {
	unsigned short second;
	int first;
};
struct numbers_in___alike {
	struct {
		int inner;
	} within;
};
struct numbers_in {
	struct {
		int before;
		int inner;
	} within;
};
/* Behind a pointer the name counts. */
struct behind {
	struct whole *pointer;
	const volatile int qualified;
};
struct whole {
	int field;
};
struct behind___alike {
	struct whole *pointer;
	int qualified;
};
struct called {
	int (*call)(struct whole *, int);
};
struct called___alike {
	int (*call)(struct whole *, int);
};
struct called_otherwise {
	int (*call)(struct whole *, int);
};
struct called_otherwise___unlike {
	int (*call)(struct other *, int);
};
struct texts {
	char text[16];
};
struct texts___alike {
	char text[16];
};
struct lengths {
	char text[16];
};
struct lengths___unlike {
	char text[8];
};
struct signs {
	int first;
};
struct signs___unlike {
	unsigned int first;
};
struct sizes {
	unsigned short second;
};
struct sizes___unlike {
	unsigned int second;
};
struct fields {
	int first;
};
struct fields___unlike {
	int first;
	int nobody_has;
};
struct kinds {
	int first;
};
union kinds___unlike {
	int first;
};
struct pointers {
	struct whole *pointer;
};
struct pointers___unlike {
	struct other *pointer;
};
struct counts {
	int (*call)(struct whole *, int);
};
struct counts___unlike {
	int (*call)(struct whole *);
};
union either {
	int one;
	char two;
};
union either___alike {
	char two;
};
enum values {
	VALUE_ONE = 1,
	VALUE_TWO = 2,
};
enum values___alike {
	VALUE_TWO___alike = 7,
};
enum names {
	NAME_ONE = 1,
};
enum names___unlike {
	NAME_NOBODY_HAS___unlike = 1,
};

#define BOTH(keyword, name, flavor)       \
	keyword name name##_of_kernel;    \
	keyword name##___##flavor name##_of_program

BOTH(struct, numbers, alike);
BOTH(struct, numbers_in, alike);
BOTH(struct, behind, alike);
BOTH(struct, called, alike);
BOTH(struct, called_otherwise, unlike);
BOTH(struct, texts, alike);
BOTH(struct, lengths, unlike);
BOTH(struct, signs, unlike);
BOTH(struct, sizes, unlike);
BOTH(struct, fields, unlike);
BOTH(struct, pointers, unlike);
BOTH(struct, counts, unlike);
BOTH(union, either, alike);
BOTH(enum, values, alike);
BOTH(enum, names, unlike);
struct kinds kinds_of_kernel;
union kinds___unlike kinds_of_program;

/* What a kernel has, and what it has otherwise. clang knows how to ask since version 15; a test makes
 * these questions of existence into questions of matching. */
struct task_struct___same {
	int pid;
	int tgid;
};
struct task_struct___other {
	char pid;
};
struct file___same {
	struct inode *f_inode;
};
struct file___other {
	struct task_struct *f_inode;
};
enum bpf_map_type___same {
	BPF_MAP_TYPE_HASH___alike = 70,
};
enum bpf_map_type___other {
	BPF_MAP_TYPE_NOBODY_HAS = 1,
};

unsigned long long answers = ~0ULL;

SEC("raw_tp") int ask(void *ctx)
{
	answers = (bpf_core_type_exists(struct task_struct___same) ? 1 : 0) |
		  (bpf_core_type_exists(struct task_struct___other) ? 2 : 0) |
		  (bpf_core_type_exists(struct file___same) ? 4 : 0) |
		  (bpf_core_type_exists(struct file___other) ? 8 : 0) |
		  (bpf_core_type_exists(enum bpf_map_type___same) ? 16 : 0) |
		  (bpf_core_type_exists(enum bpf_map_type___other) ? 32 : 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
