/* SPDX-License-Identifier: MIT */
/*
 * Where a token's node goes: the stack of open elements and what tags imply
 * (HTML standard §13.2.4.2, §13.2.6.4). html, head, body and the parts of
 * tables are supplied; p, li, td and their like end where they must; what does
 * not belong in a table goes before it. Misnested formatting elements are
 * not duplicated as the adoption agency does, but closed by their end tag.
 * Part of parse/tree.h.
 *
 * Invariants: stack[0] is html, and the stack is never empty after
 * tree_place_init; body is the only child of html behind head that is opened
 * here. Elements deeper than TREE_PLACE_MAX_DEPTH become children of the deepest.
 */
#pragma once

#include "parse/tree_node.h"

#define TREE_PLACE_MAX_DEPTH 512

struct tree_open {
    xmlNodePtr node;
    enum tag tag;
};

struct tree_place {
    struct tree_nodes nodes;
    xmlNodePtr head, body;
    struct buf text;       /* decoded, not yet a node */
    bool is_text_fostered; /* it goes before the table */
    bool drops_line_feed;  /* next comes the first text of a pre, listing or textarea */
    size_t n_too_deep;     /* elements that were begun and not put on the stack */
    size_t n_stack;
    struct tree_open stack[TREE_PLACE_MAX_DEPTH];
    uint16_t n_open[N_TAGS]; /* on the stack */
};

/* html and head, both open; nodes.failed tells whether it worked. */
void tree_place_init(struct tree_place *p, size_t max_nodes);
void tree_place_clear(struct tree_place *p);

/* One token more; does nothing once nodes.failed is set. */
void tree_place_token(struct tree_place *p, const struct token *tok);

/* No more tokens: what is gathered becomes a node, and the document has a body. */
void tree_place_finish(struct tree_place *p);
