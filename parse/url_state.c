/* SPDX-License-Identifier: MIT */
#include "parse/url_state.h"

#include "parse/host.h"
#include "parse/url_encode.h"
#include "parse/url_path.h"

/* In the order of enum url_scheme. URL standard, "special scheme". */
static const struct {
    struct span name;
    int32_t port;
} special_schemes[] = {
    { { "http", 4 }, 80 }, { { "https", 5 }, 443 }, { { "ws", 2 }, 80 },
    { { "wss", 3 }, 443 }, { { "ftp", 3 }, 21 },    { { "file", 4 }, -1 },
};

int32_t url_state_default_port(enum url_scheme scheme)
{
    return scheme < URL_OTHER ? special_schemes[scheme].port : -1;
}

struct span url_state_trim(struct span input)
{
    while (input.len && (unsigned char)input.ptr[0] <= ' ')
        input = span_skip(input, 1);
    while (input.len && (unsigned char)input.ptr[input.len - 1] <= ' ')
        input.len--;
    return input;
}

/* "Starts with a Windows drive letter". */
static bool starts_with_drive_letter(struct span s)
{
    if (s.len < 2 || !url_parser_is_drive(span_slice(s, 0, 2)))
        return false;
    return s.len == 2 || memchr("/\\?#", s.ptr[2], 4);
}

/* The userinfo part of "authority state". */
static enum err parse_userinfo(struct url_parser *p, struct span text)
{
    size_t colon = span_find(text, ':');
    struct span password = span_skip(text, colon + 1);
    enum err e =
        url_encode_append(&p->out, span_slice(text, 0, colon), URL_ENCODE_USERINFO);

    p->u.username_end = url_parser_here(p);
    if (!e && password.len)
        e = buf_append_byte(&p->out, ':');
    if (!e)
        e = url_encode_append(&p->out, password, URL_ENCODE_USERINFO);
    if (!e && p->out.len > p->u.userinfo_start)
        e = buf_append_byte(&p->out, '@');
    p->u.host_start = url_parser_here(p);
    return e;
}

/* "Port state": all of text must be digits. */
static enum err parse_port(struct url_parser *p, struct span text)
{
    uint64_t port;

    if (text.len == 0)
        return OK;
    if (!span_parse_u64(text, &port) || port > UINT16_MAX)
        return ERR_INVALID;
    if ((int32_t)port == url_state_default_port(p->u.scheme))
        return OK;
    p->u.port = (int32_t)port;
    return buf_printf(&p->out, ":%d", p->u.port);
}

/* "Host state": the colon before the port is the first one outside brackets. */
static enum err parse_host_and_port(struct url_parser *p, struct span text)
{
    bool inside_brackets = false;
    size_t colon = 0;
    enum err e = OK;

    while (colon < text.len && (text.ptr[colon] != ':' || inside_brackets)) {
        if (text.ptr[colon] == '[' || text.ptr[colon] == ']')
            inside_brackets = text.ptr[colon] == '[';
        colon++;
    }
    if (colon == 0 && (url_parser_is_special(p) || text.len))
        return ERR_INVALID;
    if (colon)
        e = host_append(span_slice(text, 0, colon), !url_parser_is_special(p), &p->out);
    p->u.host_end = url_parser_here(p);
    return e ? e : parse_port(p, span_skip(text, colon + 1));
}

static enum err begin_authority(struct url_parser *p)
{
    enum err e = buf_append(&p->out, SPAN("//"));

    p->u.has_host = true;
    p->u.userinfo_start = p->u.username_end = p->u.host_start = p->u.host_end =
        url_parser_here(p);
    return e;
}

/* "Authority state", behind the slashes. */
static enum err parse_authority(struct url_parser *p, struct span rest)
{
    size_t end = url_parser_delimiter(p, rest);
    struct span host = span_slice(rest, 0, end);
    size_t at = end;
    enum err e = begin_authority(p);

    while (at && host.ptr[at - 1] != '@')
        at--;
    if (!e && at) {
        if (at == end)
            return ERR_INVALID;
        e = parse_userinfo(p, span_slice(host, 0, at - 1));
        host = span_skip(host, at);
    }
    if (!e)
        e = parse_host_and_port(p, host);
    return e ? e : url_path_start(p, span_skip(rest, end));
}

/* "Special authority ignore slashes state". */
static enum err parse_special_authority(struct url_parser *p, struct span rest)
{
    while (url_parser_at_slash(p, rest))
        rest = span_skip(rest, 1);
    return parse_authority(p, rest);
}

/* Takes over everything of the base between scheme and path. */
static enum err keep_base_authority(struct url_parser *p)
{
    const struct url *b = p->base;

    p->u.has_host = b->has_host;
    p->u.userinfo_start = b->userinfo_start;
    p->u.username_end = b->username_end;
    p->u.host_start = b->host_start;
    p->u.host_end = b->host_end;
    p->u.port = b->port;
    /* Without a host, "/." may stand before the path; it is put back where needed. */
    p->u.path_start = b->has_host ? b->path_start : b->scheme_end + 1;
    return buf_append(&p->out, span_slice(b->href, b->scheme_end + 1, p->u.path_start));
}

static struct span base_path(const struct url_parser *p)
{
    return span_slice(p->base->href, p->base->path_start, p->base->search_start);
}

/*
 * The last part of "relative state" and of "file state": the base's authority
 * is there already, now its path, and then what rest changes.
 */
static enum err parse_against_base_path(struct url_parser *p, struct span rest)
{
    enum err e;

    if (rest.len && rest.ptr[0] != '?' && rest.ptr[0] != '#') {
        bool is_drive = p->u.scheme == URL_FILE && starts_with_drive_letter(rest);

        e = buf_append(&p->out, is_drive ? SPAN_NONE : base_path(p));
        if (e)
            return e;
        url_path_shorten(p);
        return url_path_segments(p, rest);
    }
    if (!p->u.has_host) {
        /* With the "/." that may stand before the path: the path stays as it is. */
        e = buf_append(&p->out, span_slice(p->base->href, p->base->scheme_end + 1,
                                           p->base->path_start));
        if (e)
            return e;
        p->u.path_start = url_parser_here(p);
    }
    e = buf_append(&p->out, base_path(p));
    if (e)
        return e;
    return rest.len && rest.ptr[0] == '?' ? url_path_tail(p, rest)
                                          : url_path_keep_query(p, rest);
}

/* "Relative state" and "relative slash state". */
static enum err parse_relative(struct url_parser *p, struct span rest)
{
    enum err e;

    if (url_parser_at_slash(p, rest)) {
        struct span behind = span_skip(rest, 1);

        if (url_parser_at_slash(p, behind))
            return url_parser_is_special(p) ? parse_special_authority(p, behind)
                                            : parse_authority(p, span_skip(behind, 1));
        e = keep_base_authority(p);
        return e ? e : url_path_segments(p, behind);
    }
    e = keep_base_authority(p);
    return e ? e : parse_against_base_path(p, rest);
}

/* "File host state", behind the two slashes. */
static enum err parse_file_host(struct url_parser *p, struct span rest)
{
    size_t end = url_parser_delimiter(p, rest);
    struct span host = span_slice(rest, 0, end);
    enum err e;

    if (url_parser_is_drive(host)) {
        p->u.path_start = url_parser_here(p);
        return url_path_segments(p, rest);
    }
    if (host.len) {
        e = host_append(host, false, &p->out);
        if (e)
            return e;
        if (span_eq(span_skip(buf_span(&p->out), p->u.host_start), SPAN("localhost")))
            p->out.len = p->u.host_start;
    }
    p->u.host_end = url_parser_here(p);
    return url_path_start(p, span_skip(rest, end));
}

static enum err keep_base_file_host(struct url_parser *p)
{
    const struct url *b = p->base;
    enum err e = buf_append(&p->out, span_slice(b->href, b->host_start, b->host_end));

    p->u.host_end = p->u.path_start = url_parser_here(p);
    return e;
}

/* "File state" and "file slash state". */
static enum err parse_file(struct url_parser *p, struct span rest)
{
    bool has_file_base = p->base && p->base->scheme == URL_FILE;
    enum err e = begin_authority(p);

    p->u.path_start = url_parser_here(p);
    if (!e && url_parser_at_slash(p, rest)) {
        struct span drive;

        rest = span_skip(rest, 1);
        if (url_parser_at_slash(p, rest))
            return parse_file_host(p, span_skip(rest, 1));
        if (!has_file_base)
            return url_path_segments(p, rest);
        e = keep_base_file_host(p);
        drive = base_path(p);
        drive.len = MIN(drive.len, 1 + span_find(span_skip(drive, 1), '/'));
        if (!e && !starts_with_drive_letter(rest) &&
            url_parser_is_drive(span_skip(drive, 1)))
            e = buf_append(&p->out, drive);
        return e ? e : url_path_segments(p, rest);
    }
    if (!e && has_file_base) {
        e = keep_base_file_host(p);
        return e ? e : parse_against_base_path(p, rest);
    }
    return e ? e : url_path_segments(p, rest);
}

/* What follows "scheme:". */
static enum err parse_after_scheme(struct url_parser *p, struct span rest)
{
    if (p->u.scheme == URL_FILE)
        return parse_file(p, rest);
    if (url_parser_is_special(p)) {
        bool is_relative =
            p->base && p->base->scheme == p->u.scheme && !span_starts(rest, SPAN("//"));

        return is_relative ? parse_relative(p, rest) : parse_special_authority(p, rest);
    }
    if (span_starts(rest, SPAN("//")))
        return parse_authority(p, span_skip(rest, 2));
    p->u.path_start = url_parser_here(p);
    return span_starts(rest, SPAN("/")) ? url_path_segments(p, span_skip(rest, 1))
                                        : url_path_opaque(p, rest);
}

/* Where nothing else is known the parts between scheme and path are empty and here. */
static void set_scheme(struct url_parser *p, enum url_scheme scheme)
{
    p->u.scheme = scheme;
    p->u.scheme_end = url_parser_here(p) - 1;
    p->u.userinfo_start = p->u.username_end = p->u.host_start = p->u.host_end =
        url_parser_here(p);
}

/* "No scheme state". */
static enum err parse_without_scheme(struct url_parser *p, struct span rest)
{
    const struct url *b = p->base;
    enum err e;

    if (!b || (b->has_opaque_path && !span_starts(rest, SPAN("#"))))
        return ERR_INVALID;
    e = buf_append(&p->out, span_slice(b->href, 0, b->scheme_end + 1));
    if (e)
        return e;
    set_scheme(p, b->scheme);
    if (b->has_opaque_path) {
        p->u.has_opaque_path = true;
        p->u.path_start = b->path_start;
        e = buf_append(&p->out, base_path(p));
        return e ? e : url_path_keep_query(p, rest);
    }
    return b->scheme == URL_FILE ? parse_file(p, rest) : parse_relative(p, rest);
}

/* "Scheme start state" and "scheme state": the index of the colon, or 0 without a scheme. */
static size_t find_scheme_end(struct span in)
{
    size_t i = 0;

    if (in.len == 0 || !url_parser_is_alpha(in.ptr[0]))
        return 0;
    while (i < in.len &&
           (url_parser_is_alpha(in.ptr[i]) || (in.ptr[i] >= '0' && in.ptr[i] <= '9') ||
            in.ptr[i] == '+' || in.ptr[i] == '-' || in.ptr[i] == '.'))
        i++;
    return i < in.len && in.ptr[i] == ':' ? i : 0;
}

static enum url_scheme lookup_scheme(struct span name)
{
    size_t i = 0;

    while (i < ARRAY_LEN(special_schemes) && !span_eq(name, special_schemes[i].name))
        i++;
    return (enum url_scheme)i;
}

static enum err parse_input(struct url_parser *p, struct span in)
{
    size_t colon = find_scheme_end(in);
    enum err e;

    if (colon == 0)
        return parse_without_scheme(p, in);
    e = buf_append(&p->out, span_slice(in, 0, colon + 1));
    if (e)
        return e;
    for (size_t i = 0; i < colon; i++)
        p->out.ptr[i] = span_ascii_lower(p->out.ptr[i]);
    set_scheme(p, lookup_scheme(span_slice(buf_span(&p->out), 0, colon)));
    return parse_after_scheme(p, span_skip(in, colon + 1));
}

/* "ASCII tab or newline". */
static bool is_break(char c)
{
    return c == '\t' || c == '\n' || c == '\r';
}

/* "Remove all ASCII tab or newline": *in becomes a view of room if there is any. */
static enum err strip_breaks(struct span *in, struct buf *room)
{
    size_t i = 0;
    enum err e;

    while (i < in->len && !is_break(in->ptr[i]))
        i++;
    if (i == in->len)
        return OK;
    e = buf_reserve(room, in->len);
    if (e)
        return e;
    for (i = 0; i < in->len; i++)
        if (!is_break(in->ptr[i]))
            room->ptr[room->len++] = in->ptr[i];
    *in = buf_span(room);
    return OK;
}

enum err url_state_parse(struct span input, const struct url *base,
                         const struct url_parser_query *query, struct arena *mem,
                         struct url *out)
{
    struct url_parser p = { .base = base, .query = query, .u = { .port = -1 } };
    struct span in = url_state_trim(input);
    struct buf stripped;
    enum err e;

    buf_init(&p.out, MIN(UINT32_MAX, mem->max_bytes - mem->used_bytes));
    buf_init(&stripped, in.len);
    e = strip_breaks(&in, &stripped);
    if (!e)
        e = parse_input(&p, in);
    if (!e)
        e = arena_try_copy(mem, buf_span(&p.out), &p.u.href);
    buf_clear(&p.out);
    buf_clear(&stripped);
    if (!e)
        *out = p.u;
    return e;
}
