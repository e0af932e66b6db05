/* SPDX-License-Identifier: MIT */
#include "parse/url.h"

#include "parse/url_encode.h"
#include "parse/url_state.h"

/*
 * The quick path. It takes absolute http and https URLs that the general
 * parser would only copy: lower-case scheme, a host that is a plain ASCII name,
 * a path without dot segments, nothing to percent-encode. It sees every byte
 * once and says no at the first doubt; tests and the fuzz target hold its
 * answers against the general parser's.
 */
struct plain {
    struct span in;
    size_t at;
    struct url u;
};

static bool is_at_end(const struct plain *p)
{
    return p->at == p->in.len;
}

static bool take_literal(struct plain *p, struct span text)
{
    if (!span_starts(span_skip(p->in, p->at), text))
        return false;
    p->at += text.len;
    return true;
}

static void skip_until(struct plain *p, unsigned sets)
{
    while (p->at < p->in.len && !url_encode_is(p->in.ptr[p->at], sets))
        p->at++;
}

static bool plain_scheme(struct plain *p)
{
    if (!take_literal(p, SPAN("http")))
        return false;
    p->u.scheme = take_literal(p, SPAN("s")) ? URL_HTTPS : URL_HTTP;
    p->u.scheme_end = (uint32_t)p->at;
    if (!take_literal(p, SPAN("://")))
        return false;
    p->u.has_host = true;
    p->u.userinfo_start = p->u.username_end = p->u.host_start = (uint32_t)p->at;
    return true;
}

/* An IPv4 address as it is serialised: four numbers up to 255 without leading zeros. */
static bool is_plain_ipv4(struct span host)
{
    for (int i = 0; i < 4; i++) {
        size_t dot = span_find(host, '.');
        struct span text = span_slice(host, 0, dot);
        uint64_t number;

        if (!span_parse_u64(text, &number) || number > 255 ||
            (text.len > 1 && text.ptr[0] == '0') || (dot == host.len) != (i == 3))
            return false;
        host = span_skip(host, dot + 1);
    }
    return true;
}

/* A last label that begins with a digit may be an IPv4 address; a trailing dot hides it. */
static bool plain_host(struct plain *p)
{
    const char *ptr = p->in.ptr;
    size_t from = p->at, label = p->at;

    for (; p->at < p->in.len && url_encode_is(ptr[p->at], URL_ENCODE_PLAIN_HOST);
         p->at++)
        if (ptr[p->at] == '.')
            label = p->at + 1;
    if (p->at == from || label == p->at)
        return false;
    if (ptr[label] >= '0' && ptr[label] <= '9' &&
        !is_plain_ipv4(span_slice(p->in, from, p->at)))
        return false;
    p->u.host_end = (uint32_t)p->at;
    return true;
}

static bool plain_port(struct plain *p)
{
    size_t from = ++p->at;
    uint64_t port;

    while (!is_at_end(p) && p->in.ptr[p->at] >= '0' && p->in.ptr[p->at] <= '9')
        p->at++;
    if (!span_parse_u64(span_slice(p->in, from, p->at), &port) ||
        p->in.ptr[from] == '0')
        return false;
    if (port > UINT16_MAX || (int32_t)port == url_state_default_port(p->u.scheme))
        return false;
    p->u.port = (int32_t)port;
    return true;
}

static bool plain_path(struct plain *p)
{
    p->u.path_start = (uint32_t)p->at;
    if (is_at_end(p) || p->in.ptr[p->at] != '/')
        return false;
    while (!is_at_end(p) && p->in.ptr[p->at] == '/') {
        struct span segment = span_skip(p->in, ++p->at);

        /* "." and "%2e" may begin a dot segment. */
        if (span_starts(segment, SPAN(".")) || span_starts(segment, SPAN("%2")))
            return false;
        skip_until(p, URL_ENCODE_PATH_STOP);
    }
    return true;
}

static bool parse_plain(struct span in, struct url *out)
{
    struct plain p = { .in = in, .u = { .href = in, .port = -1 } };

    if (in.len > UINT32_MAX || !plain_scheme(&p) || !plain_host(&p))
        return false;
    if (!is_at_end(&p) && in.ptr[p.at] == ':' && !plain_port(&p))
        return false;
    if (!plain_path(&p))
        return false;
    p.u.search_start = (uint32_t)p.at;
    if (!is_at_end(&p) && in.ptr[p.at] == '?') {
        p.at++;
        skip_until(&p, URL_ENCODE_SPECIAL_QUERY);
    }
    p.u.hash_start = (uint32_t)p.at;
    if (!is_at_end(&p) && in.ptr[p.at] == '#') {
        p.at++;
        skip_until(&p, URL_ENCODE_FRAGMENT);
    }
    if (!is_at_end(&p))
        return false;
    *out = p.u;
    return true;
}

enum err url_parse_encoded(struct span input, const struct url *base,
                           url_query_encoder *encode, void *arg, struct arena *mem,
                           struct url *out)
{
    struct url_parser_query query = { .encode = encode, .arg = arg };
    struct url plain;
    enum err e;

    /* Any encoding of the web leaves the ASCII text that a plain URL is as it stands. */
    if (!parse_plain(url_state_trim(input), &plain))
        return url_state_parse(input, base, &query, mem, out);
    e = arena_try_copy(mem, plain.href, &plain.href);
    if (!e)
        *out = plain;
    return e;
}

enum err url_parse(struct span input, const struct url *base, struct arena *mem,
                   struct url *out)
{
    return url_parse_encoded(input, base, NULL, NULL, mem, out);
}

enum err url_reparse(struct span href, struct arena *mem, struct url *out)
{
    struct url_parser_query query = { 0 };
    struct url u;
    enum err e;

    if (parse_plain(href, out))
        return OK;
    e = url_state_parse(href, NULL, &query, mem, &u);
    if (e)
        return e;
    if (!span_eq(u.href, href))
        return ERR_INVALID;
    u.href = href;
    *out = u;
    return OK;
}

struct span url_protocol(const struct url *u)
{
    return span_slice(u->href, 0, u->scheme_end + 1);
}

struct span url_username(const struct url *u)
{
    return span_slice(u->href, u->userinfo_start, u->username_end);
}

struct span url_password(const struct url *u)
{
    /* Behind the username stands '@', or ':' and the password and '@'. */
    if (u->host_start < u->username_end + 2)
        return span_slice(u->href, u->username_end, u->username_end);
    return span_slice(u->href, u->username_end + 1, u->host_start - 1);
}

struct span url_host(const struct url *u)
{
    return span_slice(u->href, u->host_start,
                      u->has_host ? u->path_start : u->host_end);
}

struct span url_hostname(const struct url *u)
{
    return span_slice(u->href, u->host_start, u->host_end);
}

struct span url_pathname(const struct url *u)
{
    return span_slice(u->href, u->path_start, u->search_start);
}

/* The part from its delimiter on, or nothing when the delimiter is alone. */
static struct span unless_lone(const struct url *u, uint32_t from, uint32_t to)
{
    return span_slice(u->href, to - from > 1 ? from : to, to);
}

struct span url_search(const struct url *u)
{
    return unless_lone(u, u->search_start, u->hash_start);
}

struct span url_hash(const struct url *u)
{
    return unless_lone(u, u->hash_start, (uint32_t)u->href.len);
}

struct span url_target(const struct url *u)
{
    return span_slice(u->href, u->path_start, u->hash_start);
}

int32_t url_port(const struct url *u)
{
    return u->port >= 0 ? u->port : url_state_default_port(u->scheme);
}

enum err url_page(const struct url *u, struct arena *mem, struct url *out)
{
    uint32_t userinfo = u->host_start - u->userinfo_start;
    struct url page = *u;
    char *p;

    page.href.len = u->hash_start;
    if (userinfo) {
        p = arena_try_alloc(mem, page.href.len - userinfo + 1);
        if (!p)
            return ERR_TOO_LARGE;
        memcpy(p, u->href.ptr, u->userinfo_start);
        memcpy(p + u->userinfo_start, u->href.ptr + u->host_start,
               page.href.len - u->host_start);
        page.href = span_make(p, page.href.len - userinfo);
        p[page.href.len] = '\0';
        page.username_end = page.host_start = u->userinfo_start;
        page.host_end -= userinfo;
        page.path_start -= userinfo;
        page.search_start -= userinfo;
        page.hash_start -= userinfo;
    }
    *out = page;
    return OK;
}

/* Is there nothing in s that append_normal would change? */
static bool is_normal(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        int byte;

        if (url_encode_is(s.ptr[i], URL_ENCODE_RAW))
            continue;
        byte = url_encode_triple(s, i);
        if (byte < 0 || url_encode_is((char)byte, URL_ENCODE_UNRESERVED))
            return false;
        if (s.ptr[i + 1] > 'F' || s.ptr[i + 2] > 'F')
            return false;
        i += 2;
    }
    return true;
}

/*
 * Percent-encoding after RFC 3986 §6.2.2: %XX in upper case or, where it stands
 * for an unreserved character, decoded; what may not stand raw encoded. A '%'
 * that begins no triple is encoded too, or decoding "%%34%31" would make one.
 */
static enum err append_normal(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        int byte = url_encode_triple(s, i);
        char c = byte < 0 ? s.ptr[i] : (char)byte;
        enum err e;

        if (url_encode_is(c, byte < 0 ? URL_ENCODE_RAW : URL_ENCODE_UNRESERVED))
            e = buf_append_byte(out, c);
        else
            e = url_encode_append_byte(out, (unsigned char)c);
        if (e)
            return e;
        i += byte < 0 ? 0 : 2;
    }
    return OK;
}

/*
 * Without the root's dot. "a.." has an empty label, not a trailing dot; a lone
 * "." is all there is; file://localhost./ is not file://localhost/, which has no host.
 */
struct span url_site_hostname(const struct url *u)
{
    struct span host = url_hostname(u);

    if (u->scheme < URL_FILE && host.len > 1 && host.ptr[host.len - 1] == '.' &&
        host.ptr[host.len - 2] != '.')
        host.len--;
    return host;
}

static enum err append_key(struct buf *out, const struct url *u, struct span host,
                           struct span query)
{
    bool is_literal = span_starts(host, SPAN("["));
    enum err e = buf_append(out, span_slice(u->href, 0, u->userinfo_start));

    if (!e)
        e = is_literal ? buf_append(out, host) : append_normal(out, host);
    /* The port, or "/." before a path that would look like a host. */
    if (!e)
        e = buf_append(out, span_slice(u->href, u->host_end, u->path_start));
    if (!e)
        e = append_normal(out, url_pathname(u));
    return e ? e : append_normal(out, query);
}

enum err url_normalize(const struct url *u, struct arena *mem, struct span *out)
{
    struct span host = url_site_hostname(u);
    struct span query = url_search(u);
    bool is_whole = u->userinfo_start == u->host_start &&
                    host.len == u->host_end - u->host_start &&
                    query.len == u->hash_start - u->search_start;
    struct buf key;
    enum err e;

    if (is_whole && (span_starts(host, SPAN("[")) || is_normal(host)) &&
        is_normal(url_target(u))) {
        *out = span_slice(u->href, 0, u->hash_start);
        return OK;
    }
    buf_init(&key, mem->max_bytes - mem->used_bytes);
    e = append_key(&key, u, host, query);
    if (!e)
        e = arena_try_copy(mem, buf_span(&key), out);
    buf_clear(&key);
    return e;
}
