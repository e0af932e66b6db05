/* SPDX-License-Identifier: MIT */
/*
 * A node as HTML text, after "serializing HTML fragments" (HTML standard
 * §13.3), outer element included. No recursion. Part of parse/tree.h.
 */
#pragma once

#include <libxml/tree.h>

#include "config/buf.h"

/* Appends to out, whose cap cuts the text: OK then too. ERR_NO_MEMORY. */
enum err tree_html_write(const xmlNode *node, struct buf *out) MUST_USE;
