/* SPDX-License-Identifier: MIT */
#include "parse/tree_stack.h"

bool tree_stack_is_special(enum tag tag)
{
    unsigned flags = tags_flags(tag);

    if (tag == TAG_OPTION || tag == TAG_OPTGROUP || tag == TAG_LEGEND)
        return false;
    return flags & (TAGS_BLOCK | TAGS_CELL | TAGS_SCOPE | TAGS_HEAD | TAGS_RAWTEXT |
                    TAGS_RCDATA);
}

bool tree_stack_is_in_table(const struct tree_place *p)
{
    enum tag tag = tree_stack_tag(p);

    return tag == TAG_TABLE || tag == TAG_TBODY || tag == TAG_THEAD ||
           tag == TAG_TFOOT || tag == TAG_TR;
}

/* The innermost open table, or NULL. */
static xmlNodePtr innermost_table(const struct tree_place *p)
{
    for (size_t i = p->n_stack; i-- > 1;) {
        if (p->stack[i].tag == TAG_TABLE)
            return p->stack[i].node;
    }
    return NULL;
}

void tree_stack_flush(struct tree_place *p)
{
    struct span text = buf_span(&p->text);

    if (text.len == 0)
        return;
    xmlNodePtr before = p->is_text_fostered ? innermost_table(p) : NULL;
    tree_node_text(&p->nodes, p->stack[p->n_stack - 1].node, before, text);
    buf_reset(&p->text);
}

xmlNodePtr tree_stack_insert(struct tree_place *p, struct span name, enum tag tag,
                             bool is_fostered)
{
    xmlNodePtr parent = p->n_stack ? p->stack[p->n_stack - 1].node : NULL;

    tree_stack_flush(p);
    xmlNodePtr node = tree_node_element(&p->nodes, parent,
                                        is_fostered ? innermost_table(p) : NULL, name);
    if (!node)
        return NULL;
    if (p->n_stack == TREE_PLACE_MAX_DEPTH) {
        p->n_too_deep++;
        return node;
    }
    p->stack[p->n_stack].node = node;
    p->stack[p->n_stack].tag = tag;
    p->n_stack++;
    p->n_open[tag]++;
    return node;
}

void tree_stack_leave(struct tree_place *p, const xmlNode *node)
{
    if (p->stack[p->n_stack - 1].node == node)
        tree_stack_pop(p);
    else if (p->n_too_deep)
        p->n_too_deep--;
}

void tree_stack_pop(struct tree_place *p)
{
    if (p->n_stack <= 1)
        return;
    tree_stack_flush(p);
    p->n_stack--;
    p->n_open[p->stack[p->n_stack].tag]--;
}

void tree_stack_pop_to(struct tree_place *p, size_t n)
{
    while (p->n_stack > n && p->n_stack > 1)
        tree_stack_pop(p);
}

bool tree_stack_close(struct tree_place *p, enum tag tag, enum tag barrier)
{
    if (!p->n_open[tag])
        return false;
    for (size_t i = p->n_stack; i-- > 1;) {
        enum tag open = p->stack[i].tag;
        if (open == tag) {
            tree_stack_pop_to(p, i);
            return true;
        }
        if ((tags_flags(open) & TAGS_SCOPE) ||
            (open == barrier && barrier != TAG_OTHER))
            return false;
    }
    return false;
}

void tree_stack_close_item(struct tree_place *p)
{
    for (size_t i = p->n_stack; i-- > 1;) {
        enum tag open = p->stack[i].tag;
        if (open == TAG_LI) {
            tree_stack_pop_to(p, i);
            return;
        }
        if ((tags_flags(open) & TAGS_SCOPE) || open == TAG_UL || open == TAG_OL)
            return;
    }
}

void tree_stack_close_table(struct tree_place *p, enum tag tag)
{
    if (!p->n_open[tag])
        return;
    for (size_t i = p->n_stack; i-- > 1;) {
        if (p->stack[i].tag == tag) {
            tree_stack_pop_to(p, i);
            return;
        }
        if (p->stack[i].tag == TAG_TABLE || p->stack[i].tag == TAG_TEMPLATE)
            return;
    }
}

/* Takes entry i out of the middle of the stack. */
static void take_out(struct tree_place *p, size_t i)
{
    p->n_open[p->stack[i].tag]--;
    p->n_stack--;
    memmove(&p->stack[i], &p->stack[i + 1], (p->n_stack - i) * sizeof p->stack[0]);
}

void tree_stack_close_formatting(struct tree_place *p, enum tag tag)
{
    bool has_special_inside = false;

    if (!p->n_open[tag])
        return;
    for (size_t i = p->n_stack; i-- > 1;) {
        enum tag open = p->stack[i].tag;
        if (open == tag) {
            if (has_special_inside)
                take_out(p, i);
            else
                tree_stack_pop_to(p, i);
            return;
        }
        if (tags_flags(open) & TAGS_SCOPE)
            return;
        has_special_inside |= tree_stack_is_special(open);
    }
}

void tree_stack_close_other(struct tree_place *p, struct span name, enum tag tag)
{
    const xmlChar *interned = tree_node_name(&p->nodes, name);

    if (!interned || !p->n_open[tag])
        return;
    for (size_t i = p->n_stack; i-- > 1;) {
        if (p->stack[i].node->name == interned) {
            tree_stack_pop_to(p, i);
            return;
        }
        if (tree_stack_is_special(p->stack[i].tag))
            return;
    }
}
