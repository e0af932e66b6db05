/* SPDX-License-Identifier: MIT */
/*
 * Sitemaps of all kinds. What must hold for every input: every address is an
 * absolute http(s) URL that parses to itself, what is kept is valid UTF-8, and a
 * small arena gives ERR_TOO_LARGE or the same answer.
 */
#include "parse/sitemap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_url(struct span href, struct arena *mem)
{
    struct url url;

    BUG_IF(url_parse(href, NULL, mem, &url));
    BUG_IF(!span_eq(url.href, href) || !url_is_web(&url));
}

static void check_entries(const struct sitemap_entry *entries, size_t n,
                          struct arena *mem)
{
    for (size_t i = 0; i < n; i++) {
        const struct sitemap_entry *e = &entries[i];

        check_url(e->loc, mem);
        for (size_t k = 0; k < e->n_alternates; k++)
            check_url(e->alternates[k], mem);
        for (size_t k = 0; k < e->n_images; k++)
            check_url(e->images[k], mem);
        BUG_IF(!span_is_utf8(e->lastmod) || !span_is_utf8(e->changefreq) ||
               !span_is_utf8(e->priority));
        BUG_IF(e->lastmod.len == 0 && e->lastmod_wall_ms != -1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make((const char *)data, size);
    struct sitemap map, again;
    struct arena mem, small;
    struct url url;

    arena_init(&mem, 256 * MIB);
    arena_init(&small, 4 * KIB);
    BUG_IF(url_parse(SPAN("https://h.example/d/s.xml"), NULL, &mem, &url));
    BUG_IF(sitemap_parse(in, SPAN("text/plain"), &url, &mem, &map));
    BUG_IF(map.type == SITEMAP_NONE && (map.n_urls || map.n_sitemaps));
    check_entries(map.urls, map.n_urls, &mem);
    check_entries(map.sitemaps, map.n_sitemaps, &mem);
    if (!sitemap_parse(in, SPAN("text/plain"), &url, &small, &again))
        BUG_IF(again.n_urls > map.n_urls || again.type != map.type);
    arena_clear(&small);
    arena_clear(&mem);
    return 0;
}
