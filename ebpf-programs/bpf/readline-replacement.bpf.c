// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The replacements of chains/readline.toml: which lines are shown.
#include "readline.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// As bash leaves lines out of its history: HISTCONTROL=ignorespace.
SEC("freplace")
int unless_blank(struct line *line)
{
	return line && line->text[0] && line->text[0] != ' ';
}

// What a line has to begin with; `globals` sets it.
const volatile char command[16] = "sudo";

SEC("freplace")
int of_command(struct line *line)
{
	if (!line)
		return 0;
	for (unsigned int at = 0; at < sizeof(command) && command[at]; at++)
		if (line->text[at] != command[at])
			return 0;
	return 1;
}
