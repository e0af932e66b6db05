/* SPDX-License-Identifier: MIT */
/*
 * How fast sitemaps are read: 50,000 entries as a urlset with dates, as plain
 * text, as an index, and as a urlset in gzip (unpacked and read). One JSON line
 * a kind; the best of several rounds counts, bytes are those of the unpacked
 * file.
 */
#include <stdio.h>

#include <zlib.h>

#include "config/mem.h"
#include "parse/decode.h"
#include "parse/sitemap.h"
#include "tests/bench/bench.h"

#define N_ENTRIES   SITEMAP_MAX_ENTRIES
#define ARENA_BYTES ((size_t)256 * MIB)
#define MIN_TIME_S  1.0
#define MIN_ROUNDS  3

struct kind {
    const char *name;
    enum sitemap_type type;
    const char *content_type;
    const char *head, *before, *after, *tail; /* before and after a URL's path */
    bool is_gzip;
};

#define XML     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define XMLNS   " xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n"
#define ORIGIN  "https://shop.test/"
#define LASTMOD "<lastmod>2026-05-17T08:30:00+00:00</lastmod>"
#define URLSET                                                                  \
    .type = SITEMAP_URLSET, .content_type = "application/xml",                  \
    .head = XML "<urlset" XMLNS, .before = "<url><loc>" ORIGIN,                 \
    .after = "</loc>" LASTMOD                                                   \
             "<changefreq>weekly</changefreq><priority>0.5</priority></url>\n", \
    .tail = "</urlset>\n"

static const struct kind KINDS[] = {
    { .name = "urlset", URLSET },
    { .name = "text",
      .type = SITEMAP_TEXT,
      .content_type = "text/plain",
      .head = "",
      .before = ORIGIN,
      .after = "\n",
      .tail = "" },
    { .name = "index",
      .type = SITEMAP_INDEX,
      .content_type = "application/xml",
      .head = XML "<sitemapindex" XMLNS,
      .before = "<sitemap><loc>" ORIGIN,
      .after = "</loc>" LASTMOD "</sitemap>\n",
      .tail = "</sitemapindex>\n" },
    { .name = "urlset in gzip", URLSET, .is_gzip = true },
};

static enum err write_sitemap(const struct kind *k, struct buf *out)
{
    enum err e = buf_append(out, span_str(k->head));

    for (size_t i = 0; i < N_ENTRIES && !e; i++)
        e = buf_printf(out, "%ssection-%zu/a-page-of-it-%zu.html%s", k->before, i % 97,
                       i, k->after);
    return e ? e : buf_append(out, span_str(k->tail));
}

/* RFC 1952, as servers store it. */
static enum err pack(struct span in, struct buf *out)
{
    z_stream z = { .next_in = (void *)(uintptr_t)in.ptr, .avail_in = (uInt)in.len };
    enum err e;
    int rc;

    if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return ERR_NO_MEMORY;
    e = buf_reserve(out, deflateBound(&z, (uLong)in.len));
    z.next_out = (void *)out->ptr;
    z.avail_out = e ? 0 : (uInt)out->cap;
    rc = e ? Z_MEM_ERROR : deflate(&z, Z_FINISH);
    out->len = z.total_out;
    (void)deflateEnd(&z);
    return rc == Z_STREAM_END ? OK : ERR_NO_MEMORY;
}

struct round {
    const struct kind *kind;
    const struct url *url;
    struct decoder *decoder;
    struct buf file, unpacked;
    size_t n_bytes; /* unpacked */
};

static enum err read_once(struct round *r, struct arena *mem)
{
    const struct kind *k = r->kind;
    struct span body = buf_span(&r->file);
    struct sitemap map = { .type = SITEMAP_NONE };
    enum err e;

    if (k->is_gzip && decode_body(r->decoder, buf_span(&r->file), SPAN("gzip"),
                                  SITEMAP_MAX_BYTES, &r->unpacked, &body) != DECODE_OK)
        return ERR_CORRUPT;
    e = sitemap_parse(body, span_str(k->content_type), r->url, mem, &map);
    if (!e && (map.type != k->type || map.n_urls + map.n_sitemaps != N_ENTRIES))
        e = ERR_CORRUPT;
    arena_reset(mem);
    return e;
}

/* By the clock of the processor: what else runs on the machine is not measured. */
static enum err measure(struct round *r)
{
    double best = 1e18, start = bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
    struct arena mem;
    enum err e = OK;

    arena_init(&mem, ARENA_BYTES);
    for (int n = 0;
         !e && (n < MIN_ROUNDS ||
                bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - start < MIN_TIME_S);
         n++) {
        double from = bench_seconds(CLOCK_PROCESS_CPUTIME_ID);

        e = read_once(r, &mem);
        best = MIN(best, bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - from);
    }
    arena_clear(&mem);
    if (!e)
        printf("{\"bench\":\"sitemap\",\"case\":\"%s\",\"entries\":%zu,\"bytes\":%zu,"
               "\"wire_bytes\":%zu,\"mb_per_s\":%.1f,\"entries_per_s\":%.0f}\n",
               r->kind->name, N_ENTRIES, r->n_bytes, r->file.len,
               (double)r->n_bytes / 1e6 / best, (double)N_ENTRIES / best);
    return e;
}

static enum err run_kind(const struct kind *k, const struct url *url)
{
    struct round r = { .kind = k, .url = url, .decoder = decode_new() };
    struct buf plain;
    enum err e;

    buf_init(&r.file, 2 * SITEMAP_MAX_BYTES);
    buf_init(&r.unpacked, SITEMAP_MAX_BYTES);
    buf_init(&plain, SITEMAP_MAX_BYTES);
    e = write_sitemap(k, &plain);
    r.n_bytes = plain.len;
    if (!e)
        e = k->is_gzip ? pack(buf_span(&plain), &r.file)
                       : buf_append(&r.file, buf_span(&plain));
    buf_clear(&plain);
    if (!e)
        e = measure(&r);
    if (e)
        fprintf(stderr, "bench_sitemap: %s: %s\n", k->name, err_text(e));
    buf_clear(&r.file);
    buf_clear(&r.unpacked);
    decode_free(r.decoder);
    return e;
}

int main(void)
{
    struct arena mem;
    struct url url;
    enum err e;

    mem_start();
    arena_init(&mem, 4096);
    e = url_parse(SPAN("https://shop.test/sitemap.xml"), NULL, &mem, &url);
    for (size_t i = 0; i < ARRAY_LEN(KINDS) && !e; i++)
        e = run_kind(&KINDS[i], &url);
    arena_clear(&mem);
    return e ? 1 : 0;
}
