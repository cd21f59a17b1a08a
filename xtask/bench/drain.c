// SPDX-License-Identifier: MIT OR Apache-2.0
// The least a reader of a ring buffer can do, with libbpf: count what comes. The benchmark's
// measuring rod for everything that reads events.
//
//   drain OBJECT PROGRAM
//
// Says `attached` once the program is, and at SIGINT how many records came.
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t over;
static unsigned long long records;

static void stop(int signal)
{
	(void)signal;
	over = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "drain: cannot %s: %s\n", what, strerror(errno));
	exit(1);
}

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, arguments) : 0;
}

static int count(void *context, void *record, size_t length)
{
	(void)context, (void)record, (void)length;
	records++;
	return 0;
}

int main(int words, char **word)
{
	// fc_node and fc_has_task, in the order of the header.
	const unsigned int constants[] = { 0, 1 };
	struct sigaction action = { .sa_handler = stop };
	struct bpf_program *program;
	struct bpf_object *object;
	struct ring_buffer *ring;
	struct bpf_map *map;

	if (words != 3)
		return 2;
	libbpf_set_print(quiet);
	sigaction(SIGINT, &action, NULL);
	object = bpf_object__open(word[1]);
	if (!object)
		die("open the object");
	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, !strcmp(bpf_program__name(program), word[2]));
	bpf_object__for_each_map(map, object) {
		if (strstr(bpf_map__name(map), ".rodata") &&
		    bpf_map__set_initial_value(map, constants, sizeof(constants)))
			die("set the constants");
	}
	if (bpf_object__load(object))
		die("load the object");
	program = bpf_object__find_program_by_name(object, word[2]);
	if (!program || !bpf_program__attach(program))
		die("attach the program");
	ring = ring_buffer__new(bpf_object__find_map_fd_by_name(object, "fc_events"), count, NULL,
				NULL);
	if (!ring)
		die("open the ring buffer");
	fprintf(stderr, "attached\n");
	while (!over) {
		int got = ring_buffer__poll(ring, -1);

		if (got < 0 && got != -EINTR)
			die("read the ring buffer");
	}
	fprintf(stderr, "%llu records\n", records);
	return 0;
}
