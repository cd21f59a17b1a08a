// SPDX-License-Identifier: MIT OR Apache-2.0
// What somebody would write by hand with libbpf to trace a function of a program that runs, at the entry and at the
// return by one program (Linux 7.0).
//
//   fsession OBJECT TRACER HOST FUNCTION
//
// TRACER is a program of OBJECT, HOST the name of the program that has FUNCTION. Says `attached`, counts the events
// that TRACER writes, and says their number at SIGINT.
#define NAME "fsession"
#include "programs.h"
#include <bpf/libbpf.h>
#include <signal.h>

// As a number: older headers do not name it.
#define TRACE_FSESSION 58

static volatile sig_atomic_t ended;

static void end(int signal)
{
	ended = signal;
}

static int count(void *counter, void *event, size_t size)
{
	(void)event, (void)size;
	++*(unsigned long *)counter;
	return 0;
}

int main(int words, char **word)
{
	struct sigaction action = { .sa_handler = end };
	struct bpf_program *program, *tracer = NULL;
	struct bpf_object *object;
	struct ring_buffer *ring;
	unsigned long events = 0;

	if (words != 5)
		return 2;
	sigaction(SIGINT, &action, NULL);
	object = bpf_object__open(word[1]);
	if (!object)
		die("open the object");
	bpf_object__for_each_program(program, object) {
		if (strcmp(bpf_program__name(program), word[2]))
			bpf_program__set_autoload(program, false);
		else
			tracer = program;
	}
	if (!tracer)
		die("find the tracer");
	bpf_program__set_type(tracer, BPF_PROG_TYPE_TRACING);
	bpf_program__set_expected_attach_type(tracer, TRACE_FSESSION);
	if (bpf_program__set_attach_target(tracer, find(word[3]), word[4]) || bpf_object__load(object))
		die("load the tracer");
	ring = ring_buffer__new(bpf_object__find_map_fd_by_name(object, "fc_events"), count, &events,
				NULL);
	if (!ring || bpf_raw_tracepoint_open(NULL, bpf_program__fd(tracer)) < 0)
		die("attach the tracer");
	fprintf(stderr, "attached\n");
	while (!ended)
		ring_buffer__poll(ring, -1);
	fprintf(stderr, "%lu events\n", events);
	return 0;
}
