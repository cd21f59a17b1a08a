// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
#define PASS XDP_PASS
#include "dispatcher.h"

DISPATCHER("xdp", xdp_dispatcher, xdp_md)
