/* SPDX-License-Identifier: MIT */
/*
 * A libxml2 tree from HTML tokens: the parts of the HTML standard's tree
 * construction (§13.2.6) that decide where nodes stand: html, head, body and
 * tbody are supplied, p, li, td and their like end where they must, what does
 * not belong in a table goes before it. Misnested formatting elements are not
 * duplicated as the adoption agency does; they are closed where their end tag
 * stands.
 *
 * Elements below TREE_BUILD_MAX_DEPTH become children of the deepest one. No
 * recursion; linear in the input times that depth. Part of parse/tree.h.
 */
#pragma once

#include <libxml/tree.h>

#include "config/err.h"
#include "config/span.h"

#define TREE_BUILD_MAX_DEPTH 512
#define TREE_BUILD_MAX_ATTRS 100 /* of one element */

/*
 * The caller frees *out with xmlFreeDoc. ERR_TOO_LARGE beyond max_nodes (elements,
 * texts, comments and attributes), ERR_NO_MEMORY.
 */
enum err tree_build(struct span utf8, size_t max_nodes, xmlDocPtr *out) MUST_USE;
