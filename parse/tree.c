/* SPDX-License-Identifier: MIT */
#include "parse/tree.h"

#include <math.h>

#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include "config/mem.h"
#include "parse/tree_build.h"
#include "parse/tree_html.h"
#include "parse/tree_value.h"

#define MAX_XPATH_BYTES 4096
#define MAX_NODES       2000000   /* about 120 bytes each */
#define MAX_STEPS       20000000  /* of one expression */
#define MAX_ALL_STEPS   100000000 /* of all; seconds */
#define MAX_LIST        1000
/* A value that makes the result longer than this is null; names and nulls go on. */
#define MAX_VALUES_BYTES ((size_t)640 * 1024)
#define MAX_JSON_BYTES   ((size_t)704 * 1024)

/* A page under evaluation. */
struct bench {
    xmlXPathContextPtr context;
    unsigned long steps_left;
    struct buf json;
};

/* libxml2 prints to standard error unless somebody listens. From 2.12 on its error is const; so the casts. */
static void ignore_error(void *arg, const xmlError *error)
{
    (void)arg;
    (void)error;
}

/* XPath 1.0 §4, and what else may stand before a '(': §3.7. */
static const char callable[] =
    "and boolean ceiling comment concat contains count div false floor id lang last "
    "local-name mod name namespace-uri node normalize-space not number or position "
    "processing-instruction round starts-with string string-length substring "
    "substring-after substring-before sum text translate true";

static bool is_callable(struct span name)
{
    struct span rest = span_str(callable), word;

    while (span_token(&rest, &word))
        if (span_eq(name, word))
            return true;
    return false;
}

static bool begins_name(char c)
{
    char lower = span_ascii_lower(c);

    return (lower >= 'a' && lower <= 'z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_in_name(char c)
{
    return begins_name(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

/* Takes the name at the start of *rest. Is it one that means something where it stands? */
static bool take_name(struct span *rest)
{
    struct span name = *rest, next;

    for (name.len = 1; name.len < rest->len && is_in_name(name.ptr[name.len]);)
        name.len++;
    *rest = span_skip(*rest, name.len);
    if (span_starts(*rest, SPAN("::"))) {
        *rest = span_skip(*rest, 2);
        return true;
    }
    if (span_starts(*rest, SPAN(":")))
        return span_eq(name, SPAN("xml")); /* no other prefix stands for anything */
    next = span_trim(*rest);
    return !span_starts(next, SPAN("(")) || is_callable(name);
}

/*
 * libxml2 finds out about functions, variables and prefixes that do not exist
 * when it comes by one, if ever. xpath is an expression that compiles.
 */
static bool has_known_names_only(struct span xpath)
{
    while (xpath.len) {
        char c = xpath.ptr[0];

        if (c == '$' || (begins_name(c) && !take_name(&xpath)))
            return false;
        if (begins_name(c))
            continue;
        xpath = span_skip(xpath, 1);
        if (c == '"' || c == '\'')
            xpath = span_skip(xpath, span_find(xpath, c) + 1);
    }
    return true;
}

static enum err compile(xmlXPathContextPtr context, struct span xpath,
                        xmlXPathCompExprPtr *out)
{
    if (xpath.len == 0 || xpath.len > MAX_XPATH_BYTES ||
        memchr(xpath.ptr, 0, xpath.len))
        return ERR_INVALID;
    char *text = mem_str_copy(xpath);
    *out = xmlXPathCtxtCompile(context, (const xmlChar *)text);
    mem_free(text);
    if (*out && !has_known_names_only(xpath)) {
        xmlXPathFreeCompExpr(*out);
        *out = NULL;
    }
    return *out ? OK : ERR_INVALID;
}

enum err tree_check(struct span xpath)
{
    xmlXPathCompExprPtr compiled;
    xmlXPathContextPtr context = xmlXPathNewContext(NULL);

    if (!context)
        return ERR_NO_MEMORY;
    context->error = (xmlStructuredErrorFunc)ignore_error;
    enum err e = compile(context, xpath, &compiled);
    if (!e)
        xmlXPathFreeCompExpr(compiled);
    xmlXPathFreeContext(context);
    return e;
}

static enum err put_text(enum tree_type type, struct span text, struct buf *out)
{
    switch (type) {
    case TREE_NUMBER: return tree_value_number(text, out);
    case TREE_DATE: return tree_value_date(text, out);
    case TREE_STRING:
    case TREE_LIST:
    case TREE_HTML:
    default: return tree_value_text(text, out);
    }
}

static enum err put_node_text(enum tree_type type, xmlNodePtr node, struct buf *out)
{
    xmlChar *text = xmlXPathCastNodeToString(node);

    if (!text)
        return ERR_NO_MEMORY;
    enum err e = put_text(type, span_str((const char *)text), out);
    xmlFree(text);
    return e;
}

static enum err put_html(const xmlNode *node, struct buf *out)
{
    struct buf html;

    buf_init(&html, TREE_VALUE_MAX);
    enum err e = tree_html_write(node, &html);
    if (!e)
        e = tree_value_string(span_clip_utf8(buf_span(&html), TREE_VALUE_MAX), out);
    buf_clear(&html);
    return e;
}

static enum err put_nodes(enum tree_type type, xmlNodeSetPtr nodes, struct buf *out)
{
    int n = xmlXPathNodeSetGetLength(nodes);

    xmlXPathNodeSetSort(nodes);
    if (type != TREE_LIST) {
        if (n == 0)
            return buf_append(out, SPAN("null"));
        return type == TREE_HTML ? put_html(nodes->nodeTab[0], out)
                                 : put_node_text(type, nodes->nodeTab[0], out);
    }
    enum err e = buf_append_byte(out, '[');
    for (int i = 0; i < MIN(n, MAX_LIST) && !e; i++) {
        if (i)
            e = buf_append_byte(out, ',');
        if (!e)
            e = put_node_text(type, nodes->nodeTab[i], out);
    }
    return e ? e : buf_append_byte(out, ']');
}

/* What is no node-set: a string, a number or a truth value. */
static enum err put_scalar(enum tree_type type, xmlXPathObjectPtr value,
                           struct buf *out)
{
    xmlChar *text;
    enum err e = OK;

    if (value->type == XPATH_BOOLEAN)
        return buf_append(out, value->boolval ? SPAN("true") : SPAN("false"));
    if (value->type == XPATH_NUMBER && !isfinite(value->floatval))
        return buf_append(out, SPAN("null"));
    if (value->type == XPATH_NUMBER && type == TREE_NUMBER)
        return buf_printf(out, "%.15g", value->floatval);
    text = xmlXPathCastToString(value);
    if (!text)
        return ERR_NO_MEMORY;
    if (type == TREE_LIST)
        e = buf_append_byte(out, '[');
    if (!e)
        e = put_text(type, span_str((const char *)text), out);
    if (!e && type == TREE_LIST)
        e = buf_append_byte(out, ']');
    xmlFree(text);
    return e;
}

static enum err evaluate(struct bench *b, const struct tree_rule *rule)
{
    xmlXPathContextPtr context = b->context;
    xmlXPathCompExprPtr compiled;
    xmlXPathObjectPtr value = NULL;
    size_t before = b->json.len;
    enum err e = compile(context, rule->xpath, &compiled);

    if (e)
        return e;
    context->opCount = 0;
    context->opLimit =
        MIN((unsigned long)MAX_STEPS, b->steps_left); /* 0 would be none */
    context->node = xmlDocGetRootElement(context->doc);
    if (b->steps_left)
        value = xmlXPathCompiledEval(compiled, context);
    b->steps_left -= MIN(context->opCount, b->steps_left);
    xmlXPathFreeCompExpr(compiled);
    if (!value)
        return buf_append(&b->json, SPAN("null"));
    if (value->type == XPATH_NODESET)
        e = put_nodes(rule->type, value->nodesetval, &b->json);
    else
        e = put_scalar(rule->type, value, &b->json);
    xmlXPathFreeObject(value);
    if (e != ERR_TOO_LARGE && b->json.len <= MAX_VALUES_BYTES)
        return e;
    b->json.len = before;
    return buf_append(&b->json, SPAN("null"));
}

static enum err put_name(struct bench *b, bool is_first, struct span name)
{
    enum err e = is_first ? OK : buf_append_byte(&b->json, ',');

    if (!e)
        e = tree_value_string(name, &b->json);
    return e ? e : buf_append_byte(&b->json, ':');
}

static enum err evaluate_section(struct bench *b, const struct tree_section *section)
{
    enum err e = buf_append_byte(&b->json, '{');

    for (size_t i = 0; i < section->n_rules && !e; i++) {
        e = put_name(b, i == 0, section->rules[i].name);
        if (!e)
            e = evaluate(b, &section->rules[i]);
    }
    return e ? e : buf_append_byte(&b->json, '}');
}

static enum err evaluate_all(struct bench *b, const struct tree_section *sections,
                             size_t n)
{
    enum err e = buf_append_byte(&b->json, '{');

    for (size_t i = 0; i < n && !e; i++) {
        e = put_name(b, i == 0, sections[i].name);
        if (!e)
            e = evaluate_section(b, &sections[i]);
    }
    return e ? e : buf_append_byte(&b->json, '}');
}

enum err tree_extract(struct span utf8, bool is_xml,
                      const struct tree_section *sections, size_t n,
                      struct arena *mem, struct span *out_json)
{
    struct bench b = { .steps_left = MAX_ALL_STEPS };
    xmlDocPtr doc;
    enum err e = tree_build(utf8, is_xml, MAX_NODES, &doc);

    if (e)
        return e;
    buf_init(&b.json, MAX_JSON_BYTES);
    b.context = xmlXPathNewContext(doc);
    if (b.context) {
        b.context->error = (xmlStructuredErrorFunc)ignore_error;
        xmlXPathOrderDocElems(doc); /* else sorting nodes is quadratic */
        e = n == 1 && !sections->name.ptr ? evaluate_section(&b, sections)
                                          : evaluate_all(&b, sections, n);
        xmlXPathFreeContext(b.context);
    } else {
        e = ERR_NO_MEMORY;
    }
    if (!e)
        e = arena_try_copy(mem, buf_span(&b.json), out_json);
    buf_clear(&b.json);
    xmlFreeDoc(doc);
    return e;
}
