/* SPDX-License-Identifier: MIT */
#include "parse/html_resolve.h"

#include "parse/bytes8.h"
#include "parse/charset.h"

/*
 * Bytes that the URL parser copies as they are: P in paths, Q in queries, F in
 * fragments of http URLs. '%' is left out of paths because of "%2e"; a dot is looked at.
 */
enum {
    P = 1,
    Q = 2,
    F = 4,
    PQF = P | Q | F,
};

static const uint8_t plain[256] = {
    ['!'] = PQF, ['$'] = PQF,   ['%'] = Q | F, ['&'] = PQF, ['('] = PQF,   [')'] = PQF,
    ['*'] = PQF, ['+'] = PQF,   [','] = PQF,   ['-'] = PQF, ['.'] = Q | F, ['/'] = PQF,
    ['0'] = PQF, ['1'] = PQF,   ['2'] = PQF,   ['3'] = PQF, ['4'] = PQF,   ['5'] = PQF,
    ['6'] = PQF, ['7'] = PQF,   ['8'] = PQF,   ['9'] = PQF, [':'] = Q | F, [';'] = PQF,
    ['='] = PQF, ['?'] = Q | F, ['@'] = PQF,   ['A'] = PQF, ['B'] = PQF,   ['C'] = PQF,
    ['D'] = PQF, ['E'] = PQF,   ['F'] = PQF,   ['G'] = PQF, ['H'] = PQF,   ['I'] = PQF,
    ['J'] = PQF, ['K'] = PQF,   ['L'] = PQF,   ['M'] = PQF, ['N'] = PQF,   ['O'] = PQF,
    ['P'] = PQF, ['Q'] = PQF,   ['R'] = PQF,   ['S'] = PQF, ['T'] = PQF,   ['U'] = PQF,
    ['V'] = PQF, ['W'] = PQF,   ['X'] = PQF,   ['Y'] = PQF, ['Z'] = PQF,   ['_'] = PQF,
    ['a'] = PQF, ['b'] = PQF,   ['c'] = PQF,   ['d'] = PQF, ['e'] = PQF,   ['f'] = PQF,
    ['g'] = PQF, ['h'] = PQF,   ['i'] = PQF,   ['j'] = PQF, ['k'] = PQF,   ['l'] = PQF,
    ['m'] = PQF, ['n'] = PQF,   ['o'] = PQF,   ['p'] = PQF, ['q'] = PQF,   ['r'] = PQF,
    ['s'] = PQF, ['t'] = PQF,   ['u'] = PQF,   ['v'] = PQF, ['w'] = PQF,   ['x'] = PQF,
    ['y'] = PQF, ['z'] = PQF,   ['~'] = PQF,
};

/* The length of the base up to the last '/' of its path before end. */
static size_t after_slash(const struct url *base, size_t end)
{
    while (base->href.ptr[end - 1] != '/')
        end--;
    return end;
}

void html_resolve_init(struct html_resolver *r, const struct url *base,
                       const char *charset, struct arena *mem)
{
    r->base = base;
    r->charset = charset;
    r->mem = mem;
    r->may_shortcut = url_is_web(base) && !base->has_opaque_path;
    r->folder = r->may_shortcut ? after_slash(base, base->search_start) : 0;
    memset(r->slots, 0, sizeof r->slots);
}

static size_t slot_of(struct span ref)
{
    uint64_t head, tail;

    if (ref.len < 8) {
        head = tail = bytes8_load_few(ref.ptr, ref.len);
    } else {
        head = bytes8_load(ref.ptr);
        tail = bytes8_load(ref.ptr + ref.len - 8);
    }
    uint64_t h = (head ^ tail * UINT64_C(0x9E3779B97F4A7C15) ^ ref.len) *
                 UINT64_C(0xD6E8FEB86659FD93);
    return (size_t)(h >> 32) & (HTML_RESOLVE_SLOTS - 1);
}

/* Index of the first byte from at on that is not plain in the given part. */
static size_t skip_plain(struct span ref, size_t at, uint8_t part)
{
    while (at < ref.len && (plain[(unsigned char)ref.ptr[at]] & part))
        at++;
    return at;
}

/*
 * Is ref[at..] a path without dot segments, a query and a fragment, all of
 * plain bytes? at is where a segment begins.
 */
static bool is_plain_from(struct span ref, size_t at)
{
    size_t from = at;

    at = skip_plain(ref, at, P);
    while (at < ref.len && ref.ptr[at] == '.') {
        if (at == from || ref.ptr[at - 1] == '/')
            return false;
        at = skip_plain(ref, at + 1, P);
    }
    if (at < ref.len && ref.ptr[at] == '?')
        at = skip_plain(ref, at + 1, Q);
    if (at < ref.len && ref.ptr[at] == '#')
        at = skip_plain(ref, at + 1, F);
    return at == ref.len;
}

/* The length of the base up to the '/' that ref's segments follow; skips ref's "../". */
static size_t directory(const struct html_resolver *r, struct span ref, size_t *at)
{
    size_t end = r->folder;

    while (ref.len - *at >= 3 && memcmp(ref.ptr + *at, "../", 3) == 0) {
        *at += 3;
        if (end - 1 > r->base->path_start)
            end = after_slash(r->base, end - 1);
    }
    return end;
}

/*
 * How much of the base and from where of ref make the result. False when this
 * is not so simple.
 */
static bool find_shortcut(const struct html_resolver *r, struct span ref, size_t *head,
                          size_t *at)
{
    const struct url *base = r->base;

    *at = 0;
    if (!r->may_shortcut || ref.len == 0)
        return false;
    if (ref.ptr[0] == '#') {
        *head = base->hash_start;
        return is_plain_from(ref, 0);
    }
    if (ref.ptr[0] == '?') {
        *head = base->search_start;
        return is_plain_from(ref, 0);
    }
    if (ref.ptr[0] == '/') {
        *head = base->path_start;
        return (ref.len < 2 || ref.ptr[1] != '/') && is_plain_from(ref, 0);
    }
    *head = directory(r, ref, at);
    /* An empty segment in front would be dropped by no one, but "//" is left to the parser. */
    return (*at == ref.len || ref.ptr[*at] != '/') && is_plain_from(ref, *at);
}

static enum err concatenate(struct html_resolver *r, size_t head, struct span tail,
                            struct html_resolved *out)
{
    char *p = arena_try_alloc(r->mem, head + tail.len);

    if (!p)
        return ERR_TOO_LARGE;
    memcpy(p, r->base->href.ptr, head);
    if (tail.len)
        memcpy(p + head, tail.ptr, tail.len);
    out->href = span_make(p, head + tail.len);
    out->scheme = (uint8_t)r->base->scheme;
    return OK;
}

/* A url_query_encoder; arg is the encoding's name. */
static enum err encode_query(void *arg, struct span utf8, struct buf *out)
{
    return charset_encode_query(arg, utf8, out);
}

enum err html_resolve_url(const struct html_resolver *r, struct span ref,
                          struct url *out)
{
    union {
        const char *name;
        void *arg;
    } charset = { .name = r->charset };

    return url_parse_encoded(ref, r->base, r->charset ? encode_query : NULL,
                             charset.arg, r->mem, out);
}

enum err html_resolve(struct html_resolver *r, struct span ref,
                      struct html_resolved *out)
{
    struct html_resolved *slot = &r->slots[slot_of(ref)];
    size_t head, at;
    enum err e;

    if (slot->ref.ptr && span_eq(slot->ref, ref)) {
        *out = *slot;
        return OK;
    }
    struct html_resolved found = { .ref = ref };
    if (find_shortcut(r, ref, &head, &at)) {
        e = concatenate(r, head, span_skip(ref, at), &found);
    } else {
        struct url url;
        e = html_resolve_url(r, ref, &url);
        if (!e) {
            found.href = url.href;
            found.scheme = (uint8_t)url.scheme;
        }
    }
    if (e && e != ERR_INVALID)
        return e;
    if (ref.ptr)
        *slot = found;
    *out = found;
    return OK;
}
