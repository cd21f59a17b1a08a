// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
#define PASS TC_ACT_OK
#include "dispatcher.h"

DISPATCHER("classifier", tc_dispatcher, __sk_buff)
