/* SPDX-License-Identifier: MIT */
#include "parse/tree_node.h"

#include <limits.h>

#include <libxml/HTMLtree.h>
#include <libxml/dict.h>

void tree_node_init(struct tree_nodes *t, size_t max)
{
    *t = (struct tree_nodes){ .doc = htmlNewDocNoDtD(NULL, NULL), .max = max };
    buf_init(&t->copy, INT_MAX);
    if (t->doc)
        t->doc->dict = xmlDictCreate();
    if (!t->doc || !t->doc->dict)
        t->failed = ERR_NO_MEMORY;
}

void tree_node_clear(struct tree_nodes *t)
{
    if (t->doc)
        xmlFreeDoc(t->doc);
    buf_clear(&t->copy);
}

static void *fail(struct tree_nodes *t, enum err e)
{
    if (!t->failed)
        t->failed = e;
    return NULL;
}

static bool count(struct tree_nodes *t)
{
    if (t->n >= t->max)
        fail(t, ERR_TOO_LARGE);
    t->n++;
    return !t->failed;
}

/* Decoded and NUL-terminated in t->copy, which the next call overwrites; NULL on failure. */
static const xmlChar *copy(struct tree_nodes *t, struct span raw,
                           enum entities_mode mode)
{
    buf_reset(&t->copy);
    enum err e = entities_decode(raw, mode, &t->copy);
    if (!e)
        e = buf_append_byte(&t->copy, 0);
    return e ? fail(t, e) : (const xmlChar *)t->copy.ptr;
}

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

static void insert(xmlNodePtr next, xmlNodePtr node)
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

static xmlNodePtr link(struct tree_nodes *t, xmlNodePtr parent, xmlNodePtr before,
                       xmlNodePtr node)
{
    if (!node)
        return fail(t, ERR_NO_MEMORY);
    if (before)
        insert(before, node);
    else if (parent)
        append(parent, node);
    else
        xmlDocSetRootElement(t->doc, node);
    return node;
}

const xmlChar *tree_node_name(struct tree_nodes *t, struct span name)
{
    if (!copy(t, name, ENTITIES_RAW))
        return NULL;
    size_t len = t->copy.len - 1;
    for (size_t i = 0; i < len; i++)
        t->copy.ptr[i] = span_ascii_lower(t->copy.ptr[i]);
    const xmlChar *found =
        xmlDictLookup(t->doc->dict, (const xmlChar *)t->copy.ptr, (int)len);
    return found ? found : fail(t, ERR_NO_MEMORY);
}

xmlNodePtr tree_node_element(struct tree_nodes *t, xmlNodePtr parent, xmlNodePtr before,
                             struct span name)
{
    const xmlChar *interned = t->failed ? NULL : tree_node_name(t, name);

    if (!interned || !count(t))
        return NULL;
    return link(t, parent, before, xmlNewDocNode(t->doc, NULL, interned, NULL));
}

static bool has_property(xmlNodePtr node, const xmlChar *name)
{
    for (xmlAttrPtr attr = node->properties; attr; attr = attr->next) {
        if (attr->name == name)
            return true;
    }
    return false;
}

void tree_node_attrs(struct tree_nodes *t, xmlNodePtr node, const struct token *tok)
{
    size_t n = MIN(tok->n_attrs, (size_t)TREE_NODE_MAX_ATTRS);

    for (size_t i = 0; i < n && !t->failed; i++) {
        const struct token_attr *attr = &tok->attrs[i];
        const xmlChar *name = tree_node_name(t, attr->name);
        if (!name || has_property(node, name) || !count(t))
            continue;
        const xmlChar *value = copy(t, attr->value, ENTITIES_ATTRIBUTE);
        if (value && !xmlNewNsProp(node, NULL, name, value))
            fail(t, ERR_NO_MEMORY);
    }
}

void tree_node_text(struct tree_nodes *t, xmlNodePtr parent, xmlNodePtr before,
                    struct span text)
{
    if (text.len > INT_MAX)
        fail(t, ERR_TOO_LARGE);
    if (text.len && count(t))
        link(t, parent, before,
             xmlNewDocTextLen(t->doc, (const xmlChar *)text.ptr, (int)text.len));
}

void tree_node_comment(struct tree_nodes *t, xmlNodePtr parent, struct span raw)
{
    if (!count(t))
        return;
    const xmlChar *content = copy(t, raw, ENTITIES_RAW);
    if (content)
        link(t, parent, NULL, xmlNewDocComment(t->doc, content));
}
