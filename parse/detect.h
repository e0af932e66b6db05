/* SPDX-License-Identifier: MIT */
/*
 * The encoding of bytes that nobody declared, guessed from the bytes alone: the
 * step of the HTML standard's sniffing algorithm (13.2.3.2) that it leaves to
 * the user agent. Part of parse/charset.h.
 */
#pragma once

#include "config/span.h"

/*
 * A name of the Encoding standard, static; NULL for pure ASCII. Looks at a
 * bounded part of body but for its validity as UTF-8; linear.
 */
const char *detect_charset(struct span body);
