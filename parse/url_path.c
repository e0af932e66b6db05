/* SPDX-License-Identifier: MIT */
#include "parse/url_path.h"

#include "parse/url_encode.h"
#include "parse/utf8.h"

/* "Percent-encode after encoding" in the document's encoding. */
static enum err append_encoded_query(struct url_parser *p, struct span text)
{
    struct buf utf8, encoded;
    enum err e;

    buf_init(&utf8, p->out.max);
    buf_init(&encoded, p->out.max);
    e = utf8_repair(text, &utf8);
    if (!e)
        e = p->query->encode(p->query->arg, buf_span(&utf8), &encoded);
    if (!e)
        e = url_encode_append_bytes(&p->out, buf_span(&encoded),
                                    URL_ENCODE_SPECIAL_QUERY);
    buf_clear(&utf8);
    buf_clear(&encoded);
    return e;
}

/* "Query state". */
static enum err parse_query(struct url_parser *p, struct span text)
{
    bool has_encoding =
        url_parser_is_special(p) && p->u.scheme != URL_WS && p->u.scheme != URL_WSS;
    enum err e = buf_append_byte(&p->out, '?');

    if (e)
        return e;
    if (p->query->encode && has_encoding)
        return append_encoded_query(p, text);
    return url_encode_append(&p->out, text,
                             url_parser_is_special(p) ? URL_ENCODE_SPECIAL_QUERY
                                                      : URL_ENCODE_QUERY);
}

/* "Fragment state", behind the '#'. */
static enum err parse_fragment(struct url_parser *p, struct span text)
{
    enum err e = buf_append_byte(&p->out, '#');

    return e ? e : url_encode_append(&p->out, text, URL_ENCODE_FRAGMENT);
}

enum err url_path_tail(struct url_parser *p, struct span rest)
{
    enum err e = OK;

    p->u.search_start = url_parser_here(p);
    if (rest.len && rest.ptr[0] == '?') {
        size_t hash = span_find(rest, '#');

        e = parse_query(p, span_slice(rest, 1, hash));
        rest = span_skip(rest, hash);
    }
    p->u.hash_start = url_parser_here(p);
    if (!e && rest.len)
        e = parse_fragment(p, span_skip(rest, 1));
    return e;
}

enum err url_path_keep_query(struct url_parser *p, struct span rest)
{
    const struct url *base = p->base;
    enum err e;

    p->u.search_start = url_parser_here(p);
    e = buf_append(&p->out,
                   span_slice(base->href, base->search_start, base->hash_start));
    p->u.hash_start = url_parser_here(p);
    if (!e && rest.len)
        e = parse_fragment(p, span_skip(rest, 1));
    return e;
}

enum err url_path_opaque(struct url_parser *p, struct span rest)
{
    size_t end = 0;
    struct span path;
    enum err e;

    while (end < rest.len && rest.ptr[end] != '?' && rest.ptr[end] != '#')
        end++;
    path = span_slice(rest, 0, end);
    p->u.has_opaque_path = true;
    p->u.path_start = url_parser_here(p);
    if (span_ends(path, SPAN(" "))) {
        /* Something follows, or the space were trimmed; without that it must not get lost. */
        path.len--;
        e = url_encode_append(&p->out, path, URL_ENCODE_C0);
        if (!e)
            e = buf_append(&p->out, SPAN("%20"));
    } else {
        e = url_encode_append(&p->out, path, URL_ENCODE_C0);
    }
    return e ? e : url_path_tail(p, span_skip(rest, end));
}

static struct span path_so_far(const struct url_parser *p)
{
    return span_skip(buf_span(&p->out), p->u.path_start);
}

void url_path_shorten(struct url_parser *p)
{
    struct span path = path_so_far(p);
    size_t n = path.len;

    if (p->u.scheme == URL_FILE && n == 3 && url_parser_is_drive(span_skip(path, 1)))
        return;
    while (n && path.ptr[n - 1] != '/')
        n--;
    /* n counts the last slash, which goes too. */
    p->out.len = p->u.path_start + (n ? n - 1 : 0);
}

/* Takes one "." or "%2e" from the front. */
static bool take_dot(struct span *s)
{
    size_t n = 0;

    if (span_starts(*s, SPAN(".")))
        n = 1;
    else if (span_starts_nocase(*s, SPAN("%2e")))
        n = 3;
    *s = span_skip(*s, n);
    return n > 0;
}

/* 1 for a "single-dot URL path segment", 2 for a double-dot one, else 0. */
static int count_dots(struct span segment)
{
    int n = 0;

    /* Nearly every segment is decided by its first byte. */
    while (n < 3 && take_dot(&segment))
        n++;
    return segment.len || n == 3 ? 0 : n;
}

/* One turn of "path state" at the end of a segment, with or without a slash behind it. */
static enum err append_segment(struct url_parser *p, struct span segment, bool is_last)
{
    bool is_first = p->u.path_start == p->out.len;
    int dots = count_dots(segment);
    enum err e;

    if (dots == 2)
        url_path_shorten(p);
    if (dots)
        return is_last ? buf_append_byte(&p->out, '/') : OK;
    e = buf_append_byte(&p->out, '/');
    if (!e)
        e = url_encode_append(&p->out, segment, URL_ENCODE_PATH);
    if (!e && is_first && p->u.scheme == URL_FILE && url_parser_is_drive(segment))
        p->out.ptr[p->out.len - 1] = ':';
    return e;
}

/* "URL serializer" step 3: "/." before a path that would be read as a host. */
static enum err guard_path(struct url_parser *p)
{
    size_t n = p->out.len - p->u.path_start;
    enum err e = buf_append(&p->out, SPAN("/."));

    if (e)
        return e;
    memmove(p->out.ptr + p->u.path_start + 2, p->out.ptr + p->u.path_start, n);
    memcpy(p->out.ptr + p->u.path_start, "/.", 2);
    p->u.path_start += 2;
    return OK;
}

enum err url_path_segments(struct url_parser *p, struct span rest)
{
    bool is_last = false;

    while (!is_last) {
        size_t end = url_parser_delimiter(p, rest);
        enum err e;

        is_last = !url_parser_at_slash(p, span_skip(rest, end));
        e = append_segment(p, span_slice(rest, 0, end), is_last);
        if (e)
            return e;
        rest = span_skip(rest, is_last ? end : end + 1);
    }
    if (!p->u.has_host && span_starts(path_so_far(p), SPAN("//"))) {
        enum err e = guard_path(p);

        if (e)
            return e;
    }
    return url_path_tail(p, rest);
}

enum err url_path_start(struct url_parser *p, struct span rest)
{
    p->u.path_start = url_parser_here(p);
    if (url_parser_at_slash(p, rest))
        return url_path_segments(p, span_skip(rest, 1));
    return url_parser_is_special(p) ? url_path_segments(p, rest)
                                    : url_path_tail(p, rest);
}
