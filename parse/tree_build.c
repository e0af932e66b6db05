/* SPDX-License-Identifier: MIT */
#include "parse/tree_build.h"

#include <limits.h>
#include <libxml/HTMLtree.h>
#include <libxml/dict.h>

#include "config/mem.h"
#include "parse/tree_place.h"

/* Adds node behind parent's last child. xmlAddChild would merge texts, in quadratic time. */
static void append(xmlNodePtr parent, xmlNodePtr node)
{
    node->parent = parent;
    node->prev = parent->last;
    if (parent->last)
        parent->last->next = node;
    else
        parent->children = node;
    parent->last = node;
}

static void insert_before(xmlNodePtr next, xmlNodePtr node)
{
    node->parent = next->parent;
    node->prev = next->prev;
    node->next = next;
    if (next->prev)
        next->prev->next = node;
    else
        next->parent->children = node;
    next->prev = node;
}

static void fail(struct tree_builder *b, enum err e)
{
    if (!b->failed)
        b->failed = e;
}

/* One node more; false when there must be no more. */
static bool count(struct tree_builder *b)
{
    if (b->n_nodes >= b->max_nodes)
        fail(b, ERR_TOO_LARGE);
    b->n_nodes++;
    return !b->failed;
}

/* Appends to the current node, or before its table (§13.2.6.1, foster parenting). */
static void place(struct tree_builder *b, xmlNodePtr node, bool is_fostered)
{
    xmlNodePtr table = is_fostered ? tree_place_table(b) : NULL;

    if (table)
        insert_before(table, node);
    else
        append(tree_place_current(b), node);
}

/* Turns the text gathered so far into a node. */
static void flush(struct tree_builder *b)
{
    struct span text = buf_span(&b->text);

    if (text.len == 0 || !count(b))
        return;
    xmlNodePtr node = text.len > INT_MAX
                          ? NULL
                          : xmlNewDocTextLen(b->doc, (const xmlChar *)text.ptr, (int)text.len);
    if (!node)
        fail(b, ERR_NO_MEMORY);
    else
        place(b, node, b->is_text_fostered);
    buf_reset(&b->text);
}

void tree_place_flush(struct tree_builder *b)
{
    flush(b);
}

/* The dictionary's copy of a name in lower case, NUL as U+FFFD. */
static const xmlChar *intern(struct tree_builder *b, struct span name)
{
    buf_reset(&b->name);
    enum err e = entities_decode(name, ENTITIES_RAW, &b->name);
    if (e || b->name.len > INT_MAX) {
        fail(b, ERR_NO_MEMORY);
        return NULL;
    }
    for (size_t i = 0; i < b->name.len; i++)
        b->name.ptr[i] = span_ascii_lower(b->name.ptr[i]);
    const xmlChar *found =
        xmlDictLookup(b->doc->dict, (const xmlChar *)b->name.ptr, (int)b->name.len);
    if (!found)
        fail(b, ERR_NO_MEMORY);
    return found;
}

static bool has_property(xmlNodePtr node, const xmlChar *name)
{
    for (xmlAttrPtr attr = node->properties; attr; attr = attr->next) {
        if (attr->name == name)
            return true;
    }
    return false;
}

static void add_attr(struct tree_builder *b, xmlNodePtr node, const struct token_attr *attr)
{
    const xmlChar *name = intern(b, attr->name);

    if (!name || has_property(node, name) || !count(b))
        return;
    buf_reset(&b->name);
    enum err e = entities_decode(attr->value, ENTITIES_ATTRIBUTE, &b->name);
    if (!e)
        e = buf_append_byte(&b->name, 0);
    if (e || !xmlNewNsProp(node, NULL, name, (const xmlChar *)b->name.ptr))
        fail(b, ERR_NO_MEMORY);
}

void tree_place_attrs(struct tree_builder *b, xmlNodePtr node, const struct token *tok)
{
    for (size_t i = 0; i < MIN(tok->n_attrs, (size_t)TREE_BUILD_MAX_ATTRS); i++)
        add_attr(b, node, &tok->attrs[i]);
}

xmlNodePtr tree_place_element(struct tree_builder *b, struct span name, enum tag tag,
                              bool is_fostered)
{
    flush(b);
    if (!count(b))
        return NULL;
    const xmlChar *interned = intern(b, name);
    xmlNodePtr node = interned ? xmlNewDocNode(b->doc, NULL, interned, NULL) : NULL;
    if (!node) {
        fail(b, ERR_NO_MEMORY);
        return NULL;
    }
    place(b, node, is_fostered);
    tree_place_push(b, node, tag);
    return node;
}

static void on_comment(struct tree_builder *b, const struct token *tok)
{
    flush(b);
    buf_reset(&b->name);
    enum err e = entities_decode(tok->raw, ENTITIES_RAW, &b->name);
    if (!e)
        e = buf_append_byte(&b->name, 0);
    if (e) {
        fail(b, ERR_NO_MEMORY);
        return;
    }
    if (!count(b))
        return;
    xmlNodePtr node = xmlNewDocComment(b->doc, (const xmlChar *)b->name.ptr);
    if (!node)
        fail(b, ERR_NO_MEMORY);
    else
        append(tree_place_current(b), node);
}

static bool is_white(struct span s)
{
    return span_trim(s).len == 0;
}

static void on_text(struct tree_builder *b, const struct token *tok)
{
    bool is_plain = tok->mode == ENTITIES_TEXT;
    struct span raw = tok->raw;

    if (is_plain && is_white(raw) && !tree_place_has_body(b) && b->n_stack <= 2)
        return;
    bool is_fostered = is_plain && !is_white(raw) && tree_place_is_in_table(b);
    if (is_fostered != b->is_text_fostered)
        flush(b);
    b->is_text_fostered = is_fostered;
    if (is_plain)
        tree_place_for_text(b);
    if (b->skips_line_feed && raw.len && raw.ptr[0] == '\n')
        raw = span_skip(raw, 1);
    if (entities_decode(raw, (enum entities_mode)tok->mode, &b->text))
        fail(b, ERR_NO_MEMORY);
}

static void on_token(struct tree_builder *b, const struct token *tok)
{
    bool had_pre = b->skips_line_feed;

    switch ((enum token_type)tok->type) {
    case TOKEN_TEXT: on_text(b, tok); break;
    case TOKEN_START: tree_place_start(b, tok); break;
    case TOKEN_END: tree_place_end(b, tok); break;
    case TOKEN_COMMENT: on_comment(b, tok); break;
    case TOKEN_DOCTYPE:
    case TOKEN_EOF: break;
    }
    if (had_pre)
        b->skips_line_feed = false;
}

static void build(struct tree_builder *b, struct span utf8)
{
    const struct token *tok;

    tree_place_skeleton(b);
    tokenizer_init(&b->tokenizer, utf8, false, NULL);
    do {
        tok = tokenizer_next(&b->tokenizer);
        on_token(b, tok);
    } while (tok->type != TOKEN_EOF && !b->failed);
    flush(b);
}

enum err tree_build(struct span utf8, size_t max_nodes, xmlDocPtr *out)
{
    struct tree_builder *b = mem_alloc(sizeof *b);

    b->max_nodes = max_nodes;
    buf_init(&b->text, SIZE_MAX / 2);
    buf_init(&b->name, SIZE_MAX / 2);
    b->doc = htmlNewDocNoDtD(NULL, NULL);
    if (b->doc)
        b->doc->dict = xmlDictCreate();
    if (!b->doc || !b->doc->dict)
        b->failed = ERR_NO_MEMORY;
    else
        build(b, utf8);
    enum err e = b->failed;
    if (!e)
        *out = b->doc;
    else if (b->doc)
        xmlFreeDoc(b->doc);
    buf_clear(&b->text);
    buf_clear(&b->name);
    mem_free(b);
    return e;
}
