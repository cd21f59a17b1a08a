// SPDX-License-Identifier: MIT OR Apache-2.0
// Many programs in the kernel: loads one of an object again and again, each time with its maps and BTF.
//
//   crowd OBJECT PROGRAM COUNT
//
// Says `attached` once all are loaded, and ends at any signal; the kernel lets go of all of them then.
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int words, char **word)
{
	if (words != 4)
		return 2;
	for (int left = atoi(word[3]); left > 0; left--) {
		struct bpf_object *object = bpf_object__open(word[1]);
		struct bpf_program *program;

		if (!object)
			return 1;
		bpf_object__for_each_program(program, object)
			if (strcmp(bpf_program__name(program), word[2]))
				bpf_program__set_autoload(program, false);
		if (bpf_object__load(object))
			return 1;
	}
	fprintf(stderr, "attached\n");
	pause();
	return 0;
}
