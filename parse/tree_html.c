/* SPDX-License-Identifier: MIT */
#include "parse/tree_html.h"

#include "parse/tags.h"

static struct span str(const xmlChar *s)
{
    return span_str((const char *)s);
}

static enum err escaped(struct span s, bool is_attribute, struct buf *out)
{
    enum err e = OK;
    size_t from = 0;

    for (size_t i = 0; i < s.len && !e; i++) {
        struct span as = SPAN_NONE;
        size_t len = 1;
        switch (s.ptr[i]) {
        case '&': as = SPAN("&amp;"); break;
        case '<': as = SPAN("&lt;"); break;
        case '>': as = SPAN("&gt;"); break;
        case '"': as = is_attribute ? SPAN("&quot;") : SPAN_NONE; break;
        case '\xC2': /* U+00A0 */
            len = 2;
            as = span_starts(span_skip(s, i), SPAN("\xC2\xA0")) ? SPAN("&nbsp;")
                                                                : SPAN_NONE;
            break;
        default: break;
        }
        if (!as.len)
            continue;
        e = buf_append(out, span_slice(s, from, i));
        if (!e)
            e = buf_append(out, as);
        i += len - 1;
        from = i + 1;
    }
    return e ? e : buf_append(out, span_slice(s, from, s.len));
}

static enum err attribute(const xmlAttr *attr, struct buf *out)
{
    const xmlNode *value = attr->children;
    enum err e = buf_append_byte(out, ' ');

    if (!e)
        e = buf_append(out, str(attr->name));
    if (!e)
        e = buf_append(out, SPAN("=\""));
    if (!e)
        e = escaped(value ? str(value->content) : SPAN_NONE, true, out);
    return e ? e : buf_append_byte(out, '"');
}

static bool is_void(const xmlNode *node)
{
    return tags_flags(tags_find_name(str(node->name))) & TAGS_VOID;
}

static bool has_raw_text(const xmlNode *parent)
{
    enum tag tag =
        parent && parent->name ? tags_find_name(str(parent->name)) : TAG_OTHER;

    return (tags_flags(tag) & TAGS_RAWTEXT) || tag == TAG_SCRIPT ||
           tag == TAG_PLAINTEXT;
}

static enum err begin(const xmlNode *node, struct buf *out)
{
    enum err e;

    switch (node->type) {
    case XML_ELEMENT_NODE:
        e = buf_append_byte(out, '<');
        if (!e)
            e = buf_append(out, str(node->name));
        for (const xmlAttr *attr = node->properties; attr && !e; attr = attr->next)
            e = attribute(attr, out);
        return e ? e : buf_append_byte(out, '>');
    case XML_ATTRIBUTE_NODE:
        return node->children ? buf_append(out, str(node->children->content)) : OK;
    case XML_TEXT_NODE:
        return has_raw_text(node->parent) ? buf_append(out, str(node->content))
                                          : escaped(str(node->content), false, out);
    case XML_COMMENT_NODE:
        e = buf_append(out, SPAN("<!--"));
        if (!e)
            e = buf_append(out, str(node->content));
        return e ? e : buf_append(out, SPAN("-->"));
    default: return OK;
    }
}

static enum err end(const xmlNode *node, struct buf *out)
{
    if (node->type != XML_ELEMENT_NODE || is_void(node))
        return OK;
    enum err e = buf_append(out, SPAN("</"));
    if (!e)
        e = buf_append(out, str(node->name));
    return e ? e : buf_append_byte(out, '>');
}

/* Does node have nodes inside that are part of its text? (An attribute's value is not.) */
static bool has_inside(const xmlNode *node)
{
    return (node->type == XML_ELEMENT_NODE || node->type == XML_HTML_DOCUMENT_NODE) &&
           node->children;
}

enum err tree_html_write(const xmlNode *node, struct buf *out)
{
    const xmlNode *at = node;
    enum err e = begin(at, out);

    while (!e) {
        if (has_inside(at)) {
            at = at->children;
            e = begin(at, out);
            continue;
        }
        e = end(at, out);
        while (!e && at != node && !at->next) {
            at = at->parent;
            e = end(at, out);
        }
        if (at == node)
            break;
        if (!e) {
            at = at->next;
            e = begin(at, out);
        }
    }
    return e == ERR_TOO_LARGE ? OK : e;
}
