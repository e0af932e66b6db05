/* SPDX-License-Identifier: MIT */
#include "parse/tree_place.h"

#include "parse/tree_stack.h"

static bool is_heading(enum tag tag)
{
    return tag >= TAG_H1 && tag <= TAG_H6;
}

static bool is_row_group(enum tag tag)
{
    return tag == TAG_TBODY || tag == TAG_THEAD || tag == TAG_TFOOT;
}

static bool is_cell(enum tag tag)
{
    return tag == TAG_TD || tag == TAG_TH;
}

static bool is_table_part(enum tag tag)
{
    return is_row_group(tag) || is_cell(tag) || tag == TAG_TR || tag == TAG_CAPTION ||
           tag == TAG_COL || tag == TAG_COLGROUP;
}

static bool may_stand_in_table(enum tag tag)
{
    return is_table_part(tag) || tag == TAG_TABLE || tag == TAG_SCRIPT ||
           tag == TAG_STYLE || tag == TAG_TEMPLATE || tag == TAG_FORM;
}

/* Leaves head and opens the body. */
static void begin_body(struct tree_place *p)
{
    if (p->body)
        return;
    while (p->n_stack > 1)
        tree_stack_pop(p);
    p->body = tree_stack_insert(p, SPAN("body"), TAG_BODY, false);
}

/* §13.2.6.4.9 to §13.2.6.4.15: supplies what is missing between table and tag. */
static void begin_table_part(struct tree_place *p, enum tag tag)
{
    while (p->n_stack > 1) {
        enum tag top = tree_stack_tag(p);
        if (top == TAG_TABLE || top == TAG_TEMPLATE ||
            (is_cell(tag) && top == TAG_TR) ||
            ((is_cell(tag) || tag == TAG_TR) && is_row_group(top)) ||
            (tag == TAG_COL && top == TAG_COLGROUP))
            break;
        tree_stack_pop(p);
    }
    if (tree_stack_tag(p) == TAG_TABLE) {
        if (tag == TAG_TR || is_cell(tag))
            tree_stack_insert(p, SPAN("tbody"), TAG_TBODY, false);
        if (tag == TAG_COL)
            tree_stack_insert(p, SPAN("colgroup"), TAG_COLGROUP, false);
    }
    if (is_cell(tag) && is_row_group(tree_stack_tag(p)))
        tree_stack_insert(p, SPAN("tr"), TAG_TR, false);
}

/* li ends an open li, dd and dt an open one of either (§13.2.6.4.7). */
static void end_item(struct tree_place *p, enum tag tag)
{
    bool is_li = tag == TAG_LI;

    for (size_t i = p->n_stack; i-- > 1;) {
        enum tag open = p->stack[i].tag;
        if (is_li ? open == TAG_LI : open == TAG_DD || open == TAG_DT) {
            tree_stack_pop_to(p, i);
            return;
        }
        if (tree_stack_is_special(open) && open != TAG_ADDRESS && open != TAG_DIV &&
            open != TAG_P)
            return;
    }
}

static void pop_if(struct tree_place *p, enum tag tag)
{
    if (tree_stack_tag(p) == tag)
        tree_stack_pop(p);
}

/* What a start tag ends in the body. */
static void imply_ends(struct tree_place *p, enum tag tag)
{
    if (tag == TAG_LI || tag == TAG_DD || tag == TAG_DT)
        end_item(p, tag);
    if (tags_flags(tag) & TAGS_CLOSES_P)
        tree_stack_close(p, TAG_P, TAG_BUTTON);
    if (is_heading(tag) && is_heading(tree_stack_tag(p)))
        tree_stack_pop(p);
    if (tag == TAG_OPTION || tag == TAG_OPTGROUP)
        pop_if(p, TAG_OPTION);
    if (tag == TAG_OPTGROUP)
        pop_if(p, TAG_OPTGROUP);
    if (tag == TAG_RT || tag == TAG_RP) {
        pop_if(p, TAG_RT);
        pop_if(p, TAG_RP);
    }
    if (tag == TAG_A || tag == TAG_NOBR)
        tree_stack_close_formatting(p, tag);
    if (tag == TAG_BUTTON || tag == TAG_SELECT)
        tree_stack_close(p, tag, TAG_OTHER);
    if (tree_stack_tag(p) == TAG_COLGROUP && tag != TAG_COL && tag != TAG_TEMPLATE)
        tree_stack_pop(p);
}

/* Start tags that give no new element: html, head, body again, and what is ignored. */
static bool is_taken(struct tree_place *p, const struct token *tok)
{
    enum tag tag = (enum tag)tok->tag;

    if (tag == TAG_HTML) {
        tree_node_attrs(&p->nodes, p->stack[0].node, tok);
    } else if (tag == TAG_HEAD) {
        if (!p->body)
            tree_node_attrs(&p->nodes, p->head, tok);
    } else if (tag == TAG_BODY) {
        begin_body(p);
        if (p->body)
            tree_node_attrs(&p->nodes, p->body, tok);
    } else {
        return (is_table_part(tag) && !p->n_open[TAG_TABLE]) ||
               (tag == TAG_FORM && p->n_open[TAG_FORM]);
    }
    return true;
}

static void start_html(struct tree_place *p, const struct token *tok)
{
    enum tag tag = (enum tag)tok->tag;
    struct span name = tok->raw;

    if (!p->body && !(tags_flags(tag) & TAGS_HEAD))
        begin_body(p);
    if (tag == TAG_IMAGE) {
        tag = TAG_IMG;
        name = SPAN("img");
    }
    if (is_table_part(tag))
        begin_table_part(p, tag);
    else
        imply_ends(p, tag);
    bool is_in_table = tree_stack_is_in_table(p);
    if (tag == TAG_TABLE && is_in_table) {
        tree_stack_close(p, TAG_TABLE, TAG_OTHER);
        is_in_table = false;
    }
    bool is_fostered = is_in_table && !may_stand_in_table(tag);
    xmlNodePtr node = tree_stack_insert(p, name, tag, is_fostered);
    if (!node)
        return;
    tree_node_attrs(&p->nodes, node, tok);
    if ((tags_flags(tag) & TAGS_VOID) || (tag == TAG_FORM && is_in_table))
        tree_stack_leave(p, node);
    p->drops_line_feed = tag == TAG_PRE || tag == TAG_LISTING || tag == TAG_TEXTAREA;
}

static void start(struct tree_place *p, const struct token *tok)
{
    if (!tok->is_foreign) {
        if (!is_taken(p, tok))
            start_html(p, tok);
        return;
    }
    begin_body(p);
    xmlNodePtr node = tree_stack_insert(p, tok->raw, (enum tag)tok->tag, false);
    if (!node)
        return;
    tree_node_attrs(&p->nodes, node, tok);
    if (tok->is_self_closing)
        tree_stack_leave(p, node);
}

static void end_heading(struct tree_place *p)
{
    for (size_t i = p->n_stack; i-- > 1;) {
        if (is_heading(p->stack[i].tag)) {
            tree_stack_pop_to(p, i);
            return;
        }
        if (tags_flags(p->stack[i].tag) & TAGS_SCOPE)
            return;
    }
}

/* "</p>" and "</br>" without an element make an empty one (§13.2.6.4.7). */
static void end_of_nothing(struct tree_place *p, struct span name, enum tag tag)
{
    begin_body(p);
    xmlNodePtr node = tree_stack_insert(p, name, tag, tree_stack_is_in_table(p));
    if (node)
        tree_stack_leave(p, node);
}

static void end(struct tree_place *p, const struct token *tok)
{
    enum tag tag = (enum tag)tok->tag;
    unsigned flags = tags_flags(tag);

    if (tag == TAG_HTML || tag == TAG_BODY || tag == TAG_HEAD)
        return;
    if (p->n_too_deep) {
        p->n_too_deep--;
        return;
    }
    if (tag == TAG_BR)
        end_of_nothing(p, SPAN("br"), tag);
    else if (tag == TAG_P && !tree_stack_close(p, tag, TAG_BUTTON))
        end_of_nothing(p, SPAN("p"), tag);
    else if (is_heading(tag))
        end_heading(p);
    else if (is_table_part(tag) || tag == TAG_TABLE)
        tree_stack_close_table(p, tag);
    else if (flags & TAGS_FORMAT)
        tree_stack_close_formatting(p, tag);
    else if (tag == TAG_LI)
        tree_stack_close_item(p);
    else if (tree_stack_is_special(tag))
        tree_stack_close(p, tag, TAG_OTHER);
    else if (tag != TAG_P)
        tree_stack_close_other(p, tok->raw, tag);
}

static void text(struct tree_place *p, const struct token *tok)
{
    bool is_markup =
        tok->mode == ENTITIES_TEXT; /* not the content of script and the like */
    bool is_white = span_trim(tok->raw).len == 0;
    struct span raw = tok->raw;

    if (is_markup && is_white && !p->body && p->n_stack <= 2)
        return;
    if (is_markup && !is_white && !p->body)
        begin_body(p);
    if (is_markup && !is_white)
        pop_if(p, TAG_COLGROUP);
    bool is_fostered = is_markup && !is_white && tree_stack_is_in_table(p);
    if (is_fostered != p->is_text_fostered)
        tree_stack_flush(p);
    p->is_text_fostered = is_fostered;
    if (p->drops_line_feed && raw.ptr[0] == '\n')
        raw = span_skip(raw, 1);
    enum err e = entities_decode(raw, (enum entities_mode)tok->mode, &p->text);
    if (e && !p->nodes.failed)
        p->nodes.failed = e;
}

void tree_place_init(struct tree_place *p, size_t max_nodes)
{
    tree_node_init(&p->nodes, max_nodes);
    p->head = p->body = NULL;
    buf_init(&p->text, SIZE_MAX / 2);
    p->is_text_fostered = p->drops_line_feed = false;
    p->n_too_deep = p->n_stack = 0;
    memset(p->n_open, 0, sizeof p->n_open);
    tree_stack_insert(p, SPAN("html"), TAG_HTML, false);
    p->head = tree_stack_insert(p, SPAN("head"), TAG_HEAD, false);
}

void tree_place_clear(struct tree_place *p)
{
    tree_node_clear(&p->nodes);
    buf_clear(&p->text);
}

void tree_place_token(struct tree_place *p, const struct token *tok)
{
    bool dropped = p->drops_line_feed;

    if (p->nodes.failed)
        return;
    switch ((enum token_type)tok->type) {
    case TOKEN_TEXT: text(p, tok); break;
    case TOKEN_START: start(p, tok); break;
    case TOKEN_END: end(p, tok); break;
    case TOKEN_COMMENT:
        tree_stack_flush(p);
        tree_node_comment(&p->nodes, p->stack[p->n_stack - 1].node, tok->raw);
        break;
    case TOKEN_DOCTYPE:
    case TOKEN_EOF: break;
    }
    if (dropped)
        p->drops_line_feed = false;
}

void tree_place_finish(struct tree_place *p)
{
    if (p->nodes.failed)
        return;
    tree_stack_flush(p);
    begin_body(p);
}
