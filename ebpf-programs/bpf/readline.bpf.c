// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The host of chains/readline.toml: a stub says which of the lines that a shell reads are shown.
#include "readline.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

FC_STUB int stub_line(struct line *line)
{
	return fc_stub(1, line);
}

// char *readline(const char *prompt): NULL at the end of the input.
SEC("uretprobe")
int on_readline(struct pt_regs *ctx)
{
	struct line line = {};
	__u64 outer;

	if (bpf_probe_read_user_str(line.text, sizeof(line.text), (void *)PT_REGS_RC(ctx)) < 0)
		return 0;
	outer = fc_enter();
	if (stub_line(&line)) {
		struct line *event = fc_reserve(struct line);

		if (event) {
			*event = line;
			fc_submit(event);
		}
	}
	fc_leave(outer);
	return 0;
}
