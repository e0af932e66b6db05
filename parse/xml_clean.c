/* SPDX-License-Identifier: MIT */
#include "parse/xml_clean.h"

#include "parse/entities.h"
#include "parse/utf8.h"

/* One piece of text; also what the caller may let pile up. */
#define PIECE_BYTES ((size_t)64 * 1024)
/* A single tag cannot grow beyond this: its parts are clipped. */
#define OUT_MAX_BYTES    ((size_t)16 * 1024 * 1024)
#define MAX_NAME_BYTES   ((size_t)128)
#define MAX_VALUE_BYTES  ((size_t)16 * 1024)
#define MAX_ENTITY_BYTES ((size_t)32)

static void put(struct xml_cleaner *c, struct span s)
{
    if (!c->e)
        c->e = buf_append(&c->out, s);
}

static bool is_ascii_alnum(char c)
{
    char lower = span_ascii_lower(c);

    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

static bool is_name_start(char c)
{
    return (is_ascii_alnum(c) && !(c >= '0' && c <= '9')) || c == '_' || (c & 0x80);
}

static bool is_name_char(char c)
{
    return is_name_start(c) || is_ascii_alnum(c) || c == '-' || c == '.' || c == ':';
}

static struct span take_name(struct span *s)
{
    struct span name;
    size_t n = 0;

    while (n < s->len && is_name_char(s->ptr[n]))
        n++;
    name = span_slice(*s, 0, MIN(n, MAX_NAME_BYTES));
    *s = span_skip(*s, n);
    return name;
}

/* Names beyond ASCII mean nothing to us; '_' keeps them valid. */
static void put_name(struct xml_cleaner *c, struct span name)
{
    char text[MAX_NAME_BYTES];

    for (size_t i = 0; i < name.len; i++)
        text[i] = (char)(name.ptr[i] & 0x80 ? '_' : name.ptr[i]);
    put(c, span_make(text, name.len));
}

/* "Char" of XML 1.0 §2.2. */
static bool is_xml_char(uint32_t c)
{
    if (c < 0x20)
        return c == '\t' || c == '\n' || c == '\r';
    return c < 0xd800 || (c >= 0xe000 && c < 0xfffe) || (c >= 0x10000 && c <= 0x10ffff);
}

static void put_code_point(struct xml_cleaner *c, uint32_t code_point)
{
    char text[16];
    int n;

    if (!is_xml_char(code_point))
        code_point = UTF8_REPLACEMENT;
    n = snprintf(text, sizeof text, "&#%u;", code_point);
    put(c, span_make(text, (size_t)n));
}

/*
 * A reference at the front of s. Named ones need their semicolon, or URLs would
 * suffer ("?a=1&copy=2"). A name that only a DTD could define stands for
 * nothing here; an ampersand that begins no reference is meant literally.
 */
static void take_reference(struct xml_cleaner *c, struct span *s)
{
    bool is_number = s->len > 1 && s->ptr[1] == '#';
    struct entities_ref ref;
    size_t n = 1;

    while (n < MAX_ENTITY_BYTES && n < s->len && is_ascii_alnum(s->ptr[n]))
        n++;
    if (!is_number && (n == 1 || n == s->len || s->ptr[n] != ';')) {
        put(c, SPAN("&amp;"));
        *s = span_skip(*s, 1);
    } else if (entities_match(*s, false, &ref) && (is_number || ref.len == n + 1)) {
        put_code_point(c, ref.first);
        if (ref.second)
            put_code_point(c, ref.second);
        *s = span_skip(*s, ref.len);
    } else {
        if (is_number)
            put(c, SPAN("&amp;#"));
        *s = span_skip(*s, is_number ? 2 : n + 1);
    }
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20
               ? !(c & 0x80) && c != '&' && c != '<' && c != '>' && c != '"'
               : c == '\n' || c == '\t' || c == '\r';
}

/* One byte or sequence that cannot go out as it is. */
static void take_special(struct xml_cleaner *c, struct span *s, bool is_literal)
{
    uint32_t code_point;
    size_t n = utf8_decode(*s, &code_point);

    if (*s->ptr == '&' && !is_literal) {
        take_reference(c, s);
        return;
    }
    if (*s->ptr == '&')
        put(c, SPAN("&amp;"));
    else if (*s->ptr == '<')
        put(c, SPAN("&lt;"));
    else if (*s->ptr == '>')
        put(c, SPAN("&gt;"));
    else if (*s->ptr == '"')
        put(c, SPAN("&quot;"));
    else if (code_point >= 0x80 && is_xml_char(code_point) &&
             code_point != UTF8_REPLACEMENT)
        put(c, span_slice(*s, 0, n));
    else if (code_point >= 0x80)
        put(c, SPAN("\xef\xbf\xbd"));
    *s = span_skip(*s, n);
}

/* Writes text so that it means the same inside or outside quotes. */
static void put_text(struct xml_cleaner *c, struct span s, bool is_literal)
{
    while (s.len && !c->e) {
        size_t n = 0;

        while (n < s.len && is_plain(s.ptr[n]))
            n++;
        if (n)
            put(c, span_slice(s, 0, n));
        s = span_skip(s, n);
        if (s.len)
            take_special(c, &s, is_literal);
    }
}

/* The longest prefix within max bytes that cuts no sequence; never empty, whatever s holds. */
static struct span clip_sequence(struct span s, size_t max)
{
    size_t n = MIN(s.len, max);

    for (int i = 0; i < 3 && n < s.len && (s.ptr[n] & 0xc0) == 0x80; i++)
        n--;
    return span_slice(s, 0, n);
}

/* What of s, which goes on behind it, may be written now: no reference cut in half. */
static struct span clip_reference(struct span s)
{
    size_t n = s.len;

    while (n > s.len - MAX_ENTITY_BYTES && s.ptr[n - 1] != '&')
        n--;
    return n > s.len - MAX_ENTITY_BYTES ? span_slice(s, 0, n - 1)
                                        : clip_sequence(s, s.len - 4);
}

static void take_text(struct xml_cleaner *c)
{
    /* Looking further than one piece each time would be quadratic. */
    struct span s = span_slice(c->rest, 0, MIN(c->rest.len, PIECE_BYTES));
    size_t end = span_find(s, '<');

    if (end < s.len)
        s.len = end;
    else if (s.len < c->rest.len)
        s = clip_reference(s);
    put_text(c, s, false);
    c->rest = span_skip(c->rest, s.len);
}

static void take_cdata(struct xml_cleaner *c)
{
    struct span s = span_slice(c->rest, 0, MIN(c->rest.len, PIECE_BYTES));
    size_t end = span_find_span(s, SPAN("]]>"));

    if (end < s.len) {
        put_text(c, span_slice(s, 0, end), true);
        c->rest = span_skip(c->rest, end + 3);
        c->is_cdata = false;
        return;
    }
    if (s.len < c->rest.len)
        s = clip_sequence(s, s.len - 2);
    put_text(c, s, true);
    c->rest = span_skip(c->rest, s.len);
}

/* Index behind the '>' of a DOCTYPE, over its internal subset; s.len when it never ends. */
static size_t doctype_end(struct span s)
{
    bool is_subset = false;
    size_t i = 2;

    while (i < s.len) {
        struct span here = span_skip(s, i);

        if (span_starts(here, SPAN("<!--"))) {
            i += span_find_span(here, SPAN("-->")) + 3;
        } else if (s.ptr[i] == '"' || s.ptr[i] == '\'') {
            i += span_find(span_skip(here, 1), s.ptr[i]) + 2;
        } else {
            if (s.ptr[i] == '>' && !is_subset)
                return i + 1;
            if (s.ptr[i] == '[')
                is_subset = true;
            else if (s.ptr[i] == ']')
                is_subset = false;
            i++;
        }
    }
    return s.len;
}

/* An attribute's value, quoted or not. A quote that never ends counts as none. */
static struct span take_value(struct span *s)
{
    char quote = s->len ? s->ptr[0] : '\0';
    bool is_quoted = quote == '"' || quote == '\'';
    struct span value;
    size_t n = 0;

    if (is_quoted) {
        *s = span_skip(*s, 1);
        n = span_find(*s, quote);
    }
    if (is_quoted && n < s->len) {
        value = span_slice(*s, 0, n);
        *s = span_skip(*s, n + 1);
    } else {
        n = 0;
        while (n < s->len && !span_is_space(s->ptr[n]) && s->ptr[n] != '>')
            n++;
        value = span_slice(*s, 0, n);
        *s = span_skip(*s, n);
    }
    return clip_sequence(value, MAX_VALUE_BYTES);
}

static struct span skip_space(struct span s)
{
    while (s.len && span_is_space(s.ptr[0]))
        s = span_skip(s, 1);
    return s;
}

/* Copies the attributes; stops at '>', "/>" or a '<' that begins the next tag. */
static void take_attributes(struct xml_cleaner *c, struct span *s)
{
    for (size_t n = 0; !c->e;) {
        struct span name, value;

        *s = skip_space(*s);
        if (s->len == 0 || s->ptr[0] == '>' || s->ptr[0] == '<' ||
            span_starts(*s, SPAN("/>")))
            return;
        name = take_name(s);
        if (name.len == 0) {
            *s = span_skip(*s, 1);
            continue;
        }
        *s = skip_space(*s);
        if (s->len == 0 || s->ptr[0] != '=')
            continue;
        *s = skip_space(span_skip(*s, 1));
        value = take_value(s);
        if (!is_name_start(name.ptr[0]) || ++n > XML_MAX_ATTRIBUTES)
            continue;
        put(c, SPAN(" "));
        put_name(c, name);
        put(c, SPAN("=\""));
        put_text(c, value, false);
        put(c, SPAN("\""));
    }
}

static void close_one(struct xml_cleaner *c)
{
    put(c, SPAN("</"));
    put_name(c, c->open[--c->depth]);
    put(c, SPAN(">"));
}

static void start_tag(struct xml_cleaner *c)
{
    struct span s = span_skip(c->rest, 1), name = take_name(&s);
    bool is_hidden = c->depth == XML_MAX_DEPTH, is_empty;
    size_t out_len = c->out.len;

    put(c, SPAN("<"));
    put_name(c, name);
    take_attributes(c, &s);
    is_empty = s.len && s.ptr[0] == '/';
    put(c, is_empty ? SPAN("/>") : SPAN(">"));
    if (is_hidden) {
        c->out.len = out_len;
        c->n_hidden += !is_empty;
    } else if (!is_empty) {
        c->open[c->depth++] = name;
    }
    /* A '<' stays: it begins the next tag. */
    c->rest = span_skip(s, is_empty ? 2 : s.len && s.ptr[0] == '>');
}

static void end_tag(struct xml_cleaner *c)
{
    struct span s = span_skip(c->rest, 2), name = take_name(&s);
    size_t i = c->depth;

    while (s.len && s.ptr[0] != '>' && s.ptr[0] != '<')
        s = span_skip(s, 1);
    c->rest = span_skip(s, s.len && s.ptr[0] == '>');
    if (c->n_hidden) {
        c->n_hidden--;
        return;
    }
    while (i && !span_eq_nocase(c->open[i - 1], name))
        i--;
    /* Not open: dropped. Open further out: what stands between was never closed. */
    while (i && c->depth >= i)
        close_one(c);
}

static void take_markup(struct xml_cleaner *c)
{
    struct span s = c->rest;
    char second = s.len > 1 ? s.ptr[1] : '\0', third = s.len > 2 ? s.ptr[2] : '\0';

    if (span_starts(s, SPAN("<!--"))) {
        c->rest = span_skip(s, span_find_span(span_skip(s, 4), SPAN("-->")) + 7);
    } else if (span_starts_nocase(s, SPAN("<![CDATA["))) {
        c->rest = span_skip(s, 9);
        c->is_cdata = true;
    } else if (second == '!') {
        c->rest = span_skip(s, doctype_end(s));
    } else if (second == '?') {
        c->rest = span_skip(s, span_find(s, '>') + 1);
    } else if (second == '/' && is_name_start(third)) {
        end_tag(c);
    } else if (is_name_start(second)) {
        start_tag(c);
    } else {
        put(c, SPAN("&lt;"));
        c->rest = span_skip(s, 1);
    }
}

void xml_clean_init(struct xml_cleaner *c, struct span body)
{
    *c = (struct xml_cleaner){ .rest = body };
    buf_init(&c->out, OUT_MAX_BYTES);
}

bool xml_clean_next(struct xml_cleaner *c)
{
    if (c->e)
        return false;
    if (!c->is_begun) {
        c->is_begun = true;
        put(c, SPAN("<" XML_CLEAN_ROOT ">"));
    } else if (c->rest.len == 0) {
        return false;
    } else if (c->is_cdata) {
        take_cdata(c);
    } else if (c->rest.ptr[0] == '<') {
        take_markup(c);
    } else {
        take_text(c);
    }
    if (c->rest.len == 0) {
        while (c->depth)
            close_one(c);
        put(c, SPAN("</" XML_CLEAN_ROOT ">"));
    }
    return true;
}

void xml_clean_clear(struct xml_cleaner *c)
{
    buf_clear(&c->out);
}
