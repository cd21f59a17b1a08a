// SPDX-License-Identifier: MIT OR Apache-2.0
// What somebody would write by hand with libbpf to bring up chains/tcp.toml, from the same objects:
// the same maps shared by name, the same attachments in the same order. The benchmark's measuring
// rod, in two lengths:
//
//   peer same tcp.o tcp-replacement.o tcp-tracer.o
//     does what the composer does: one instance of an object for each node, with the node's number
//     in its read-only data. libbpf then reads the kernel's types once for each.
//   peer least tcp.o tcp-replacement.o tcp-tracer.o
//     opens each object once. It is less work, and nodes that share an object cannot be told apart.
//
// Says `attached` once the last attachment is made, and ends; the kernel undoes it all with that.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// As the composer numbers them: connect, accept, the stub, the replacement, the two tracers.
enum { CONNECT, ACCEPT, STUB, REPLACEMENT, BEFORE, AFTER, NODES };

// A map that several objects define, made by the first of them.
static struct {
	const char *name;
	int fd;
} shared[16];

static void die(const char *what, const char *name)
{
	fprintf(stderr, "peer: cannot %s %s: %s\n", what, name, strerror(errno));
	exit(1);
}

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, arguments) : 0;
}

// A data section belongs to its instance; every other map is the chain's.
static void share_maps(struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		const char *name = bpf_map__name(map);
		int i = 0;

		if (bpf_map__is_internal(map))
			continue;
		if (!strcmp(name, "fc_counts"))
			bpf_map__set_max_entries(map, NODES);
		while (shared[i].name && strcmp(shared[i].name, name))
			i++;
		if (shared[i].name && bpf_map__reuse_fd(map, shared[i].fd))
			die("share", name);
	}
}

static void keep_maps(struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		const char *name = bpf_map__name(map);
		int i = 0;

		if (bpf_map__is_internal(map))
			continue;
		while (shared[i].name && strcmp(shared[i].name, name))
			i++;
		shared[i].name = name;
		shared[i].fd = bpf_map__fd(map);
	}
}

// fc_node and fc_has_task, in the order of the header; nothing else is in that section.
static void set_constants(struct bpf_object *object, unsigned int node)
{
	const unsigned int values[] = { node, 1 };
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		if (!strstr(bpf_map__name(map), ".rodata"))
			continue;
		if (bpf_map__set_initial_value(map, values, sizeof(values)))
			die("set the constants in", bpf_map__name(map));
	}
}

// Programs of the object at `path`, as node number `node`, on `function` of `target`, if any:
// all of them, or the one that is called `only`.
static struct bpf_object *load(const char *path, const char *only, unsigned int node,
			       struct bpf_program *target, const char *function)
{
	struct bpf_object *object = bpf_object__open(path);
	struct bpf_program *program;

	if (!object)
		die("open", path);
	bpf_object__for_each_program(program, object) {
		const char *name = bpf_program__name(program);

		if (only && strcmp(name, only)) {
			bpf_program__set_autoload(program, false);
			continue;
		}
		if (target &&
		    bpf_program__set_attach_target(program, bpf_program__fd(target), function))
			die("aim", name);
	}
	set_constants(object, node);
	share_maps(object);
	if (bpf_object__load(object))
		die("load", path);
	keep_maps(object);
	return object;
}

static struct bpf_program *find(struct bpf_object *object, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, name);

	if (!program)
		die("find", name);
	return program;
}

static void attached(struct bpf_link *link, const char *name)
{
	if (!link)
		die("attach", name);
}

static const char CONNECT_PROGRAM[] = "k_tcp_connect";
static const char ACCEPT_PROGRAM[] = "k_icsk_complete_hashdance";
static const char STUB_FUNCTION[] = "stub_handler";
static const char REPLACEMENT_PROGRAM[] = "freplace_handler";
static const char BEFORE_PROGRAM[] = "fentry_freplace_handler";
static const char AFTER_PROGRAM[] = "fexit_freplace_handler";

int main(int count, char **words)
{
	struct bpf_program *connect, *accept, *replacement, *before, *after;
	struct bpf_object *object;
	bool least;

	if (count != 5)
		return 2;
	least = !strcmp(words[1], "least");
	libbpf_set_print(quiet);

	object = load(words[2], least ? NULL : CONNECT_PROGRAM, CONNECT, NULL, NULL);
	connect = find(object, CONNECT_PROGRAM);
	if (!least)
		object = load(words[2], ACCEPT_PROGRAM, ACCEPT, NULL, NULL);
	accept = find(object, ACCEPT_PROGRAM);
	object = load(words[3], NULL, REPLACEMENT, connect, STUB_FUNCTION);
	replacement = find(object, REPLACEMENT_PROGRAM);
	object = load(words[4], least ? NULL : BEFORE_PROGRAM, BEFORE, replacement,
		      REPLACEMENT_PROGRAM);
	before = find(object, BEFORE_PROGRAM);
	if (!least)
		object = load(words[4], AFTER_PROGRAM, AFTER, replacement, REPLACEMENT_PROGRAM);
	after = find(object, AFTER_PROGRAM);

	attached(bpf_program__attach_trace(after), "after");
	attached(bpf_program__attach_trace(before), "before");
	attached(bpf_program__attach_freplace(replacement, 0, NULL), "the replacement");
	attached(bpf_program__attach_freplace(replacement, bpf_program__fd(accept), STUB_FUNCTION),
		 "the replacement again");
	attached(bpf_program__attach_kprobe(accept, false, "inet_csk_complete_hashdance"), "accept");
	attached(bpf_program__attach_kprobe(connect, false, "tcp_connect"), "connect");
	fprintf(stderr, "attached\n");
	return 0;
}
