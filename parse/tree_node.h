/* SPDX-License-Identifier: MIT */
/*
 * Making libxml2 nodes: counted, names shared through the document's
 * dictionary, linked by hand (libxml2's own calls merge neighbouring texts in
 * quadratic time). After the first failure nothing more is made. Part of
 * parse/tree.h.
 */
#pragma once

#include <libxml/tree.h>

#include "config/buf.h"
#include "parse/tokenizer.h"

#define TREE_NODE_MAX_ATTRS 100 /* of one element */

struct tree_nodes {
    xmlDocPtr doc;   /* with a dictionary */
    struct buf copy; /* a name or value on its way */
    size_t n, max;
    enum err failed; /* ERR_TOO_LARGE beyond max, ERR_NO_MEMORY */
};

/* Starts an empty HTML document; failed is set when there is no memory. */
void tree_node_init(struct tree_nodes *t, size_t max);

/* Frees what tree_node_init made; the document too unless it was taken (doc set to NULL). */
void tree_node_clear(struct tree_nodes *t);

/* The dictionary's copy of a name in lower case, NUL as U+FFFD; NULL on failure. */
const xmlChar *tree_node_name(struct tree_nodes *t, struct span name);

/*
 * Makes an element, the last child of parent or before a sibling (when before
 * is not NULL); parent NULL makes the root. NULL on failure.
 */
xmlNodePtr tree_node_element(struct tree_nodes *t, xmlNodePtr parent, xmlNodePtr before,
                             struct span name);

/* Adds the attributes that node does not have yet. */
void tree_node_attrs(struct tree_nodes *t, xmlNodePtr node, const struct token *tok);

/* Makes a text of decoded bytes. */
void tree_node_text(struct tree_nodes *t, xmlNodePtr parent, xmlNodePtr before,
                    struct span text);

/* Makes a comment of a raw token's content. */
void tree_node_comment(struct tree_nodes *t, xmlNodePtr parent, struct span raw);
