/* SPDX-License-Identifier: MIT */
/*
 * The stack of open elements (HTML standard §13.2.4.2): pushing, popping and
 * closing what is "in scope". Every change of the current node first turns the
 * text gathered so far into a node. html is never popped. Part of parse/tree.h.
 */
#pragma once

#include "parse/tree_place.h"

/* The tag of the current node. */
static inline enum tag tree_stack_tag(const struct tree_place *p)
{
    return p->stack[p->n_stack - 1].tag;
}

/* Is it of the "special" category? Such elements stop the search of other end tags. */
bool tree_stack_is_special(enum tag tag);

/* Is the current node one whose text belongs before the table: table, tbody, tr ...? */
bool tree_stack_is_in_table(const struct tree_place *p);

/* Turns gathered text into a node. */
void tree_stack_flush(struct tree_place *p);

/* A new element, open, in the current node or before the innermost table. NULL on failure. */
xmlNodePtr tree_stack_insert(struct tree_place *p, struct span name, enum tag tag,
                             bool is_fostered);

/* Closes an element that was just inserted. */
void tree_stack_leave(struct tree_place *p, const xmlNode *node);

void tree_stack_pop(struct tree_place *p);

/* Pops until the stack holds n elements. */
void tree_stack_pop_to(struct tree_place *p, size_t n);

/* Closes the innermost such element in scope; barrier is one more tag that ends the scope. */
bool tree_stack_close(struct tree_place *p, enum tag tag, enum tag barrier);

/* The same in list item scope, for li. */
void tree_stack_close_item(struct tree_place *p);

/* The same in table scope. */
void tree_stack_close_table(struct tree_place *p, enum tag tag);

/* A formatting element in scope: elements that are open inside stay open. */
void tree_stack_close_formatting(struct tree_place *p, enum tag tag);

/* "Any other end tag": up to the first special element; names compare by name. */
void tree_stack_close_other(struct tree_place *p, struct span name, enum tag tag);
