/* SPDX-License-Identifier: MIT */
/*
 * Sitemaps after sitemaps.org: urlset, sitemapindex, plain lists of URLs, and
 * RSS and Atom feeds used as sitemaps; with the image and hreflang extensions.
 * Read as leniently as they are written: any namespace or none, any case,
 * broken XML (parse/xml.h), several locs in one entry, an entry whose loc is
 * bare text. Whether a host may list URLs of another is the caller's business,
 * and so are the depth of indexes and gzip.
 *
 * Pure. Everything in the result lives in the arena.
 */
#pragma once

#include "config/arena.h"
#include "config/err.h"
#include "config/span.h"
#include "parse/url.h"

/* sitemaps.org limits; what is beyond is dropped and is_cut is set. */
#define SITEMAP_MAX_ENTRIES ((size_t)50000)
#define SITEMAP_MAX_BYTES   ((size_t)50 * 1024 * 1024)
/* Of one entry each. */
#define SITEMAP_MAX_ALTERNATES ((size_t)1000)
#define SITEMAP_MAX_IMAGES     ((size_t)1000)

enum sitemap_type {
    SITEMAP_NONE, /* not a sitemap of any kind */
    SITEMAP_URLSET,
    SITEMAP_INDEX,
    SITEMAP_RSS,
    SITEMAP_ATOM,
    SITEMAP_TEXT,
};

struct sitemap_entry {
    struct span loc;         /* absolute http(s) URL, serialised */
    struct span lastmod;     /* as written; empty when absent or no date */
    struct span changefreq;  /* as written */
    struct span priority;    /* as written */
    int64_t lastmod_wall_ms; /* -1: unknown */
    struct span *alternates; /* absolute URLs of xhtml:link rel=alternate */
    size_t n_alternates;
    struct span *images; /* absolute URLs of image:loc */
    size_t n_images;
};

struct sitemap {
    enum sitemap_type type;
    struct sitemap_entry *urls; /* pages, in document order */
    size_t n_urls;
    struct sitemap_entry *sitemaps; /* further sitemaps, in document order */
    size_t n_sitemaps;
    bool is_cut; /* over a limit */
};

/*
 * Reads a sitemap in UTF-8, not compressed. content_type is the HTTP field's
 * value or empty; it decides nothing that the content shows. url is where the
 * sitemap was found; relative locs are resolved against it. OK also for what is
 * no sitemap (SITEMAP_NONE, no entries). ERR_TOO_LARGE when mem is too small;
 * ERR_NO_MEMORY. Linear in the length of body.
 */
enum err sitemap_parse(struct span body, struct span content_type,
                       const struct url *url, struct arena *mem,
                       struct sitemap *out) MUST_USE;

/* "urlset", "sitemapindex", "rss", "atom", "text"; NULL for SITEMAP_NONE. */
const char *sitemap_type_name(enum sitemap_type type);
