/* SPDX-License-Identifier: MIT */
#include "parse/prescan.h"

#include "parse/charset.h"

/* A place in the document; at == end means that the bytes ran out, which ends every search. */
struct cursor {
    const char *at;
    const char *end;
};

struct attribute {
    struct span name;
    struct span value;
};

/* What the attributes of one meta element have said so far. */
struct meta {
    const char *charset; /* NULL: none yet, or one that does not exist */
    bool has_http_equiv, has_content,
        has_charset; /* seen: a repeated attribute does not count */
    bool got_pragma;
    bool is_decided; /* "need pragma" is not null */
    bool needs_pragma;
};

static bool skip_spaces(struct cursor *c)
{
    while (c->at < c->end && span_is_space(*c->at))
        c->at++;
    return c->at < c->end;
}

static bool skip_past(struct cursor *c, char byte)
{
    size_t left = (size_t)(c->end - c->at);
    const char *hit = left ? memchr(c->at, byte, left) : NULL;

    c->at = hit ? hit + 1 : c->end;
    return hit != NULL;
}

static bool starts(const struct cursor *c, struct span prefix)
{
    return span_starts_nocase(span_make(c->at, (size_t)(c->end - c->at)), prefix);
}

static bool is_alpha(char c)
{
    c = span_ascii_lower(c);
    return c >= 'a' && c <= 'z';
}

/* Behind '=' and white space. */
static bool get_value(struct cursor *c, struct span *out)
{
    const char *start;

    if (!skip_spaces(c))
        return false;
    if (*c->at == '"' || *c->at == '\'') {
        char quote = *c->at;

        start = ++c->at;
        if (!skip_past(c, quote))
            return false;
        *out = span_make(start, (size_t)(c->at - 1 - start));
        return true;
    }
    start = c->at;
    while (c->at < c->end && !span_is_space(*c->at) && *c->at != '>')
        c->at++;
    *out = span_make(start, (size_t)(c->at - start));
    return c->at < c->end;
}

/* "Get an attribute". False at the end of the tag, where *c is at '>', and at the end of bytes. */
static bool get_attribute(struct cursor *c, struct attribute *out)
{
    const char *start;

    while (c->at < c->end && (span_is_space(*c->at) || *c->at == '/'))
        c->at++;
    if (c->at == c->end || *c->at == '>')
        return false;
    *out = (struct attribute){ 0 };
    start = c->at++; /* an '=' here is part of the name */
    while (c->at < c->end && !span_is_space(*c->at) && *c->at != '=' && *c->at != '/' &&
           *c->at != '>')
        c->at++;
    out->name = span_make(start, (size_t)(c->at - start));
    if (!skip_spaces(c))
        return false;
    if (*c->at != '=')
        return true;
    c->at++;
    return get_value(c, &out->value);
}

static void meta_attribute(struct meta *m, const struct attribute *a)
{
    if (span_eq_nocase(a->name, SPAN("http-equiv")) && !m->has_http_equiv) {
        m->has_http_equiv = true;
        m->got_pragma = span_eq_nocase(a->value, SPAN("content-type"));
    } else if (span_eq_nocase(a->name, SPAN("content")) && !m->has_content) {
        const char *named = prescan_content(a->value);

        m->has_content = true;
        if (named && !m->charset && !m->has_charset) {
            m->charset = named;
            m->is_decided = m->needs_pragma = true;
        }
    } else if (span_eq_nocase(a->name, SPAN("charset")) && !m->has_charset) {
        m->has_charset = true;
        m->charset = charset_from_label(a->value);
        m->is_decided = true;
        m->needs_pragma = false;
    }
}

/* What a meta element may say: it was read as bytes, so it cannot be UTF-16. */
static const char *as_read(const char *name)
{
    if (name && (strcmp(name, "utf-16le") == 0 || strcmp(name, "utf-16be") == 0))
        return "utf-8";
    if (name && strcmp(name, "x-user-defined") == 0)
        return "windows-1252";
    return name;
}

/* Behind "<meta". NULL: nothing usable, or out of bytes. */
static const char *read_meta(struct cursor *c)
{
    struct meta m = { 0 };
    struct attribute a;

    while (get_attribute(c, &a))
        meta_attribute(&m, &a);
    if (c->at == c->end || !m.is_decided || (m.needs_pragma && !m.got_pragma))
        return NULL;
    return as_read(m.charset);
}

/* The elements whose content a parser reads as text (scripting off), by name. */
static bool is_raw_text(struct span name)
{
    static const struct span names[] = { { "script", 6 },   { "style", 5 },
                                         { "title", 5 },    { "textarea", 8 },
                                         { "iframe", 6 },   { "noembed", 7 },
                                         { "noframes", 8 }, { "xmp", 3 } };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (name.len == names[i].len && span_eq_nocase(name, names[i]))
            return true;
    return false;
}

/* To the "</name" that ends raw text; to the end of bytes when there is none. */
static void skip_raw_text(struct cursor *c, struct span name)
{
    while (skip_past(c, '<')) {
        struct cursor end = { c->at + 1, c->end };

        if (c->at == c->end || *c->at != '/' || !starts(&end, name))
            continue;
        end.at += name.len;
        if (end.at == end.end || span_is_space(*end.at) || *end.at == '/' ||
            *end.at == '>') {
            c->at--;
            return;
        }
    }
}

/* At "<!--", whose dashes may be those of "-->". */
static void skip_comment(struct cursor *c)
{
    while (skip_past(c, '>'))
        if (c->at[-2] == '-' && c->at[-3] == '-')
            return;
}

/* At '<' of a start or end tag; leaves *c behind its attributes. */
static void skip_tag(struct cursor *c, bool knows_raw_text)
{
    bool is_end = c->at[1] == '/';
    const char *start = c->at + 1 + is_end;
    struct attribute ignored;
    struct span name;

    c->at = start;
    while (c->at < c->end && !span_is_space(*c->at) && *c->at != '>' &&
           !(knows_raw_text && *c->at == '/'))
        c->at++;
    name = span_make(start, (size_t)(c->at - start));
    while (get_attribute(c, &ignored))
        continue;
    if (knows_raw_text && !is_end && is_raw_text(name))
        skip_raw_text(c, name);
    if (knows_raw_text && !is_end && span_eq_nocase(name, SPAN("plaintext")))
        c->at = c->end;
}

static bool is_tag(const struct cursor *c)
{
    size_t left = (size_t)(c->end - c->at);

    return left > 2 && (is_alpha(c->at[1]) || (c->at[1] == '/' && is_alpha(c->at[2])));
}

static const char *scan(struct span bytes, bool knows_raw_text)
{
    struct cursor c = { bytes.ptr, bytes.ptr + bytes.len };

    while (skip_past(&c, '<')) {
        c.at--;
        if (starts(&c, SPAN("<!--"))) {
            skip_comment(&c);
        } else if (starts(&c, SPAN("<meta")) && c.end - c.at > 5 &&
                   (span_is_space(c.at[5]) || c.at[5] == '/')) {
            const char *name;

            c.at += 5;
            name = read_meta(&c);
            if (name)
                return name;
        } else if (is_tag(&c)) {
            skip_tag(&c, knows_raw_text);
        } else {
            bool is_bogus = c.end - c.at > 1 &&
                            (c.at[1] == '!' || c.at[1] == '/' || c.at[1] == '?');

            c.at++;
            if (is_bogus)
                skip_past(&c, '>');
        }
    }
    return NULL;
}

const char *prescan_meta(struct span head)
{
    return head.len ? scan(head, false) : NULL;
}

/* Most pages without a declaration up to here have no meta element at all, wherever it may stand. */
static bool has_meta(struct span bytes)
{
    struct cursor c = { bytes.ptr, bytes.ptr + bytes.len };

    while (skip_past(&c, '<'))
        if (c.at < c.end && (*c.at | 0x20) == 'm' && starts(&c, SPAN("meta")))
            return true;
    return false;
}

const char *prescan_late_meta(struct span body)
{
    return body.len && has_meta(body) ? scan(body, true) : NULL;
}

/* The quoted label behind "encoding" and '='. Bytes up to 0x20 count as space here. */
static struct span xml_label(struct span declaration)
{
    struct span s =
        span_skip(declaration, span_find_span(declaration, SPAN("encoding")));
    size_t end;
    char quote;

    s = span_skip(s, 8);
    while (s.len && (unsigned char)s.ptr[0] <= 0x20)
        s = span_skip(s, 1);
    if (s.len == 0 || s.ptr[0] != '=')
        return SPAN_NONE;
    s = span_skip(s, 1);
    while (s.len && (unsigned char)s.ptr[0] <= 0x20)
        s = span_skip(s, 1);
    if (s.len == 0 || (s.ptr[0] != '"' && s.ptr[0] != '\''))
        return SPAN_NONE;
    quote = s.ptr[0];
    s = span_skip(s, 1);
    end = span_find(s, quote);
    if (end == s.len)
        return SPAN_NONE;
    s.len = end;
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] <= 0x20)
            return SPAN_NONE;
    return s;
}

const char *prescan_xml(struct span head)
{
    size_t end = span_find(head, '>');

    if (span_starts(head, span_make("<\0?\0x\0", 6)))
        return "utf-16le";
    if (span_starts(head, span_make("\0<\0?\0x", 6)))
        return "utf-16be";
    if (!span_starts(head, SPAN("<?xml")) || end == head.len)
        return NULL;
    return as_read(charset_from_label(xml_label(span_slice(head, 0, end))));
}

const char *prescan_content(struct span s)
{
    size_t end = 0;

    for (;;) {
        size_t at = span_find_nocase(s, SPAN("charset"));

        if (at == s.len)
            return NULL;
        s = span_skip(s, at + 7);
        while (s.len && span_is_space(s.ptr[0]))
            s = span_skip(s, 1);
        if (s.len && s.ptr[0] == '=')
            break;
    }
    s = span_skip(s, 1);
    while (s.len && span_is_space(s.ptr[0]))
        s = span_skip(s, 1);
    if (s.len && (s.ptr[0] == '"' || s.ptr[0] == '\'')) {
        char quote = s.ptr[0];

        s = span_skip(s, 1);
        end = span_find(s, quote);
        return end < s.len ? charset_from_label(span_slice(s, 0, end)) : NULL;
    }
    while (end < s.len && !span_is_space(s.ptr[end]) && s.ptr[end] != ';')
        end++;
    return charset_from_label(span_slice(s, 0, end));
}
