/* SPDX-License-Identifier: MIT */
/*
 * A whole page job: coding, sniffing, charset, parsing, digests, packing, then
 * over the wire and back. What the worker sends must never be taken for a lie.
 * The first two bytes choose content type, coding, and whether values and facts are asked for.
 */
#include "config/mem.h"
#include "parse/page.h"
#include "parse/rules.h"
#include "parse/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REGION_BYTES ((size_t)4 << 20)

static const char *const types[] = { "text/html",
                                     "",
                                     "text/xml",
                                     "text/plain",
                                     "application/rss+xml",
                                     "text/html; charset=shift_jis",
                                     "application/xhtml+xml",
                                     "image/png" };
static const char *const codings[] = {
    "", "gzip", "br", "zstd", "deflate", "gzip, br"
};

static const struct tree_rule values[] = { { { "a", 1 }, { "//p", 3 }, TREE_LIST },
                                           { { "b", 1 }, { "//*[@id]", 8 }, TREE_HTML },
                                           { { "c", 1 }, { "//td", 4 }, TREE_NUMBER } };
static const struct tree_section section = { { "s", 1 }, values, ARRAY_LEN(values) };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct job job = { .kind = JOB_PAGE,
                       .url = SPAN("http://example.org/dir/page?q"),
                       .headers =
                           SPAN("Link: </x>; rel=next\r\nX-Robots-Tag: nofollow\r\n"),
                       .product_token = SPAN("crawl"),
                       .max_decoded_bytes = 1 << 18,
                       .max_text_bytes = 1 << 14,
                       .max_links = 500,
                       .wants_text = true,
                       .wants_body = true };
    struct answer sent = { .kind = JOB_PAGE }, got;
    struct wire_limits limits;
    struct toolbox t;
    struct arena mem;
    struct buf rules;
    size_t len;
    char *region;
    enum err e;

    if (size < 2 || toolbox_open(16 << 20, &t))
        return 0;
    job.content_type = span_str(types[data[0] % ARRAY_LEN(types)]);
    job.content_encoding = span_str(codings[data[1] % ARRAY_LEN(codings)]);
    job.wants_facts = data[0] & 8;
    buf_init(&rules, 1000);
    BUG_IF(rules_write(&section, &rules));
    if (data[0] & 16)
        job.rules = buf_span(&rules);
    e = page_parse(&t, &job, span_make((const char *)data + 2, size - 2), &sent.page);
    BUG_IF(e && e != ERR_TOO_LARGE && e != ERR_NO_MEMORY);
    wire_limits_of(&job, &limits);
    region = mem_alloc(REGION_BYTES);
    BUG_IF(wire_encode_answer(&sent, 1, &limits, region, REGION_BYTES, &len));
    arena_init(&mem, len * 16 + (64 << 10));
    BUG_IF(wire_decode_answer(span_make(region, len), 1, &limits, &mem, &got));
    arena_clear(&mem);
    mem_free(region);
    buf_clear(&rules);
    toolbox_close(&t);
    return 0;
}
