/* SPDX-License-Identifier: MIT */
/*
 * Where a tag puts its element: the stack of open elements and what tags imply
 * (HTML standard §13.2.4.2, §13.2.6.4). Calls back into parse/tree_build.c to
 * make nodes. Part of parse/tree.h.
 *
 * Invariant: stack[0] is html, and stack[1] head or body once there is one; the
 * stack is never empty after tree_place_skeleton succeeded.
 */
#pragma once

#include "config/buf.h"
#include "parse/tokenizer.h"
#include "parse/tree_build.h"

struct tree_open {
    xmlNodePtr node;
    enum tag tag;
};

struct tree_builder {
    struct tokenizer tokenizer;
    xmlDocPtr doc;
    xmlNodePtr head, body;
    struct buf text;       /* gathered, not yet a node */
    bool is_text_fostered; /* it goes before the table */
    bool skips_line_feed;  /* the next text is the first of a pre, listing or textarea */
    struct buf name;       /* a name or value being copied */
    size_t n_nodes, max_nodes;
    enum err failed;
    size_t n_stack;
    struct tree_open stack[TREE_BUILD_MAX_DEPTH];
    uint16_t n_open[N_TAGS]; /* on the stack */
};

/* html and head, both open. */
void tree_place_skeleton(struct tree_builder *b);

void tree_place_start(struct tree_builder *b, const struct token *tok);
void tree_place_end(struct tree_builder *b, const struct token *tok);

/* Text that is not white space begins the body; any may close what cannot hold it. */
void tree_place_for_text(struct tree_builder *b);

bool tree_place_has_body(const struct tree_builder *b);

/* Is the current node one that holds no text of its own: table, tbody, tr ...? */
bool tree_place_is_in_table(const struct tree_builder *b);

/* The innermost open table when the current node is part of it, else NULL. */
xmlNodePtr tree_place_table(const struct tree_builder *b);

/* The node that takes the next child. */
xmlNodePtr tree_place_current(const struct tree_builder *b);

/* Opens an element, unless the stack is as deep as it may be. */
void tree_place_push(struct tree_builder *b, xmlNodePtr node, enum tag tag);

/* These four are parse/tree_build.c's: nodes for what was decided here. */
xmlNodePtr tree_place_element(struct tree_builder *b, struct span name, enum tag tag,
                              bool is_fostered);
void tree_place_attrs(struct tree_builder *b, xmlNodePtr node, const struct token *tok);
void tree_place_flush(struct tree_builder *b);
