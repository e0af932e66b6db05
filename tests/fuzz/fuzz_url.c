/* SPDX-License-Identifier: MIT */
/*
 * URLs: the first line of the input is the base (empty: none), the rest the
 * URL. What must hold for every input:
 * 1. The quick path and the general parser agree.
 * 2. href parses to itself, and url_reparse agrees with url_parse in all parts.
 * 3. Normalising the key gives the key again; the page has the same key.
 * 4. A small arena gives ERR_TOO_LARGE or the same answer.
 */
#include "parse/host.h"
#include "parse/url.h"
#include "parse/url_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_same(const struct url *a, const struct url *b)
{
    return span_eq(a->href, b->href) && a->scheme == b->scheme &&
           a->scheme_end == b->scheme_end && a->userinfo_start == b->userinfo_start &&
           a->username_end == b->username_end && a->host_start == b->host_start &&
           a->host_end == b->host_end && a->path_start == b->path_start &&
           a->search_start == b->search_start && a->hash_start == b->hash_start &&
           a->port == b->port && a->has_host == b->has_host &&
           a->has_opaque_path == b->has_opaque_path;
}

static void check_round_trip(const struct url *u, struct arena *mem)
{
    struct url again;

    BUG_IF(url_parse(u->href, NULL, mem, &again));
    BUG_IF(!is_same(u, &again));
    BUG_IF(url_reparse(u->href, mem, &again));
    BUG_IF(!is_same(u, &again));
    for (size_t i = 0; i < u->href.len; i++)
        BUG_IF(u->href.ptr[i] < ' ' || u->href.ptr[i] > '~');
}

static void check_key(const struct url *u, struct arena *mem)
{
    struct span key, page_key, again;
    struct url page, parsed;

    BUG_IF(url_page(u, mem, &page));
    check_round_trip(&page, mem);
    BUG_IF(url_normalize(u, mem, &key));
    BUG_IF(url_normalize(&page, mem, &page_key));
    BUG_IF(!span_eq(key, page_key));
    BUG_IF(url_parse(key, NULL, mem, &parsed));
    BUG_IF(url_normalize(&parsed, mem, &again));
    BUG_IF(!span_eq(key, again));
}

static void check_host(const struct url *u, struct arena *mem)
{
    struct span host = url_hostname(u), again;
    unsigned char address[16];
    size_t n = host_literal(host, address);

    BUG_IF(n != 0 && n != 4 && n != 16);
    BUG_IF(n && host_registrable(host).len);
    if (u->has_host && host.len) {
        BUG_IF(host_parse(host, u->scheme == URL_OTHER, mem, &again));
        BUG_IF(!span_eq(host, again));
    }
}

static void check_small_arena(struct span input, const struct url *base,
                              const struct url *want)
{
    struct arena small;
    struct url u;
    enum err e;

    arena_init(&small, input.len);
    e = url_parse(input, base, &small, &u);
    BUG_IF(e && e != ERR_TOO_LARGE);
    BUG_IF(!e && !is_same(want, &u));
    arena_clear(&small);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct url_parser_query query = { 0 };
    struct span rest = span_make((const char *)data, size);
    size_t line = span_find(rest, '\n');
    struct span base_text = span_slice(rest, 0, line);
    struct url base, u, general;
    bool has_base;
    struct arena mem;
    enum err e;

    arena_init(&mem, 64 * (size_t)MIB);
    rest = span_skip(rest, line + 1);
    has_base = url_parse(base_text, NULL, &mem, &base) == OK;
    if (has_base)
        check_round_trip(&base, &mem);
    e = url_parse(rest, has_base ? &base : NULL, &mem, &u);
    BUG_IF(e && e != ERR_INVALID && e != ERR_TOO_LARGE);
    BUG_IF(url_state_parse(rest, has_base ? &base : NULL, &query, &mem, &general) != e);
    if (!e) {
        BUG_IF(!is_same(&u, &general));
        check_round_trip(&u, &mem);
        check_key(&u, &mem);
        check_host(&u, &mem);
        check_small_arena(rest, has_base ? &base : NULL, &u);
    }
    arena_clear(&mem);
    return 0;
}
