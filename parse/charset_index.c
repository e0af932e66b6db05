/* SPDX-License-Identifier: MIT */
#include "parse/charset_index.h"

#include "parse/charset_index.inc"
#include "parse/charset_single.inc"
