/* SPDX-License-Identifier: MIT */
/*
 * A libxml2 tree from HTML text: tokens through parse/tree_place.h. No
 * recursion; linear in the input times the depth of the tree, which is bounded.
 * Part of parse/tree.h.
 */
#pragma once

#include <libxml/tree.h>

#include "config/err.h"
#include "config/span.h"

/*
 * The caller frees *out with xmlFreeDoc. ERR_TOO_LARGE beyond max_nodes (elements,
 * texts, comments and attributes), ERR_NO_MEMORY. is_xml is parse/tokenizer.h's.
 */
enum err tree_build(struct span utf8, bool is_xml, size_t max_nodes,
                    xmlDocPtr *out) MUST_USE;
