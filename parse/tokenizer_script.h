/* SPDX-License-Identifier: MIT */
/*
 * Where a script element's text ends: script data and its escaped and double
 * escaped states (HTML standard §13.2.5.4, §13.2.5.15 to §13.2.5.31). Part of
 * parse/tokenizer.h.
 */
#pragma once

#include "config/span.h"

/*
 * The '<' of the end tag that ends the element whose text begins at p, or end.
 * *arrow remembers a "-->" found ahead (end: there is none) for the scripts that
 * follow, so that all scripts of a document together cost linear time; it is
 * NULL at the beginning of a document.
 */
const char *tokenizer_script_end(const char *p, const char *end, const char **arrow);
