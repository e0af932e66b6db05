/* SPDX-License-Identifier: MIT */
/* Link field values, RFC 8288; declared in parse/header.h. */
#include "parse/header.h"

/* Repeated hreflangs beyond this are dropped: joining them would be quadratic. */
#define MAX_HREFLANG_BYTES ((size_t)1024)

/* One "; name=value". */
struct param {
    struct span name, value;
    bool is_quoted; /* value still has its escapes */
};

static void skip_spaces(struct span *s)
{
    while (s->len && span_is_space(s->ptr[0]))
        *s = span_skip(*s, 1);
}

static bool skip_char(struct span *s, char c)
{
    if (s->len == 0 || s->ptr[0] != c)
        return false;
    *s = span_skip(*s, 1);
    return true;
}

/* Takes all bytes before the first that is in stops. */
static struct span take_until(struct span *s, struct span stops)
{
    struct span taken;
    size_t n = 0;

    while (n < s->len && span_find(stops, s->ptr[n]) == stops.len)
        n++;
    taken = span_slice(*s, 0, n);
    *s = span_skip(*s, n);
    return taken;
}

/* Takes a quoted-string; its content comes without the quotes. */
static struct span take_quoted(struct span *s)
{
    struct span content;
    size_t n = 1;

    while (n < s->len && s->ptr[n] != '"')
        n += s->ptr[n] == '\\' ? 2 : 1;
    n = MIN(n, s->len);
    content = span_slice(*s, 1, n);
    *s = span_skip(*s, n + 1);
    return content;
}

/* Moves to the next '<', over whatever stands before it. */
static bool find_target(struct span *s, struct span *out_uri)
{
    while (s->len) {
        if (s->ptr[0] == '"') {
            take_quoted(s);
        } else if (skip_char(s, '<')) {
            size_t end = span_find(*s, '>');

            if (end == s->len)
                return false;
            *out_uri = span_trim(span_slice(*s, 0, end));
            *s = span_skip(*s, end + 1);
            return true;
        } else {
            *s = span_skip(*s, 1);
        }
    }
    return false;
}

/* False at the comma that ends the link-value, or at the end. */
static bool next_param(struct span *s, struct param *out)
{
    for (;;) {
        /* Whatever stands between a value and its separator is noise. */
        take_until(s, SPAN(";,\""));
        if (s->len && s->ptr[0] == '"') {
            take_quoted(s);
            continue;
        }
        if (!skip_char(s, ';'))
            break;
        skip_spaces(s);
        *out = (struct param){ .name = take_until(s, SPAN(" \t\r\n=;,\"")) };
        if (out->name.len == 0)
            continue;
        skip_spaces(s);
        if (skip_char(s, '=')) {
            skip_spaces(s);
            out->is_quoted = s->len && s->ptr[0] == '"';
            out->value =
                out->is_quoted ? take_quoted(s) : span_trim(take_until(s, SPAN(";,")));
        }
        return true;
    }
    skip_char(s, ',');
    return false;
}

/* The value without the backslashes of its quoted-pairs. */
static bool unescape(const struct param *p, struct arena *mem, struct span *out)
{
    char *text;
    size_t n = 0;

    if (!p->is_quoted || span_find(p->value, '\\') == p->value.len) {
        *out = p->value;
        return true;
    }
    text = arena_try_alloc(mem, p->value.len);
    if (!text)
        return false;
    for (size_t i = 0; i < p->value.len; i++) {
        if (p->value.ptr[i] == '\\' && i + 1 < p->value.len)
            i++;
        text[n++] = p->value.ptr[i];
    }
    *out = span_make(text, n);
    return true;
}

/* Appends the words of value to *io, one space before each; is_lower folds ASCII case. */
static bool add_words(struct span value, bool is_lower, struct arena *mem,
                      struct span *io)
{
    char *text = arena_try_alloc(mem, io->len + value.len + 1);
    struct span word;
    size_t n = io->len;

    if (!text)
        return false;
    if (n)
        memcpy(text, io->ptr, n);
    while (span_token(&value, &word)) {
        if (n)
            text[n++] = ' ';
        for (size_t i = 0; i < word.len; i++)
            text[n++] = is_lower ? span_ascii_lower(word.ptr[i]) : word.ptr[i];
    }
    *io = n ? span_make(text, n) : SPAN_NONE;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = span_ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte of a "%XX" at s[i], which it moves over; otherwise s[i] itself. */
static unsigned char take_byte(struct span s, size_t *i)
{
    if (s.ptr[*i] == '%' && s.len - *i > 2) {
        int hi = hex_digit(s.ptr[*i + 1]), lo = hex_digit(s.ptr[*i + 2]);

        if (hi >= 0 && lo >= 0) {
            *i += 3;
            return (unsigned char)(hi * 16 + lo);
        }
    }
    return (unsigned char)s.ptr[(*i)++];
}

/* charset'language'percent-encoded (RFC 8187 §3.2). False: not one, or no memory. */
static bool decode_extended(struct span value, struct arena *mem, struct span *out)
{
    struct span charset, language;
    bool is_latin1;
    char *text;
    size_t n = 0, i = 0;

    if (!span_split(&value, '\'', &charset) || !span_split(&value, '\'', &language))
        return false;
    is_latin1 = span_eq_nocase(charset, SPAN("iso-8859-1"));
    if (!is_latin1 && !span_eq_nocase(charset, SPAN("utf-8")))
        return false;
    text = arena_try_alloc(mem, value.len * 2 + 1);
    if (!text)
        return false;
    while (i < value.len) {
        unsigned char c = take_byte(value, &i);

        if (is_latin1 && c >= 0x80) {
            text[n++] = (char)(0xc0 | c >> 6);
            c = (unsigned char)(0x80 | (c & 0x3f));
        }
        text[n++] = (char)c;
    }
    *out = span_make(text, n);
    return span_is_utf8(*out);
}

/* The first occurrence of most parameters counts (RFC 8288 §3). */
static bool set_param(const struct param *p, bool *io_has_star, struct arena *mem,
                      struct header_link *out)
{
    struct {
        struct span name, *place;
    } single[] = {
        { SPAN("type"), &out->type },
        { SPAN("media"), &out->media },
        { SPAN("anchor"), &out->anchor },
        { SPAN("title"), &out->title },
    };
    struct span text;

    if (span_eq_nocase(p->name, SPAN("title*"))) {
        if (!*io_has_star && decode_extended(p->value, mem, &text)) {
            out->title = text;
            *io_has_star = true;
        }
        return true;
    }
    if (!unescape(p, mem, &text))
        return false;
    if (span_eq_nocase(p->name, SPAN("rel")))
        return out->rel.len || add_words(text, true, mem, &out->rel);
    if (span_eq_nocase(p->name, SPAN("hreflang")))
        return out->hreflang.len + text.len >= MAX_HREFLANG_BYTES ||
               add_words(text, false, mem, &out->hreflang);
    for (size_t i = 0; i < ARRAY_LEN(single); i++)
        if (span_eq_nocase(p->name, single[i].name) && single[i].place->len == 0)
            *single[i].place = text;
    return true;
}

bool header_link_next(struct span *rest, struct arena *mem, struct header_link *out)
{
    struct header_link link = { .uri = SPAN_NONE };
    struct param param;
    bool has_star = false;

    if (!find_target(rest, &link.uri))
        return false;
    while (next_param(rest, &param))
        if (!set_param(&param, &has_star, mem, &link))
            return false;
    *out = link;
    return true;
}
