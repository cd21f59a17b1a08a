// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A replacement of each prototype.
#include "prototypes.h"

char LICENSE[] SEC("license") = "GPL";

#define REPLACEMENT(name, result, parameters, keep) \
	SEC("freplace") \
	result replace_##name parameters \
	{ \
		keep; \
		return 0; \
	}
PROTOTYPES(REPLACEMENT)
