// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
#define LICENCE "Dual MPL/GPL"
#include "licence.h"
