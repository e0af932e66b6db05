/* SPDX-License-Identifier: MIT */
/*
 * Field values and header blocks: every reader gets the whole input. What must
 * hold for every input: walks end, results lie in the input or the arena,
 * delays are never negative, link relations are in lower case.
 */
#include "parse/date.h"
#include "parse/header.h"

#define NOW_MS INT64_C(1714564800000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_inside(struct span part, struct span whole)
{
    return part.len == 0 ||
           (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void check_values(struct span in)
{
    struct header_content_type type;
    struct header_robots robots = { false, false };
    struct span url;
    int64_t n;

    header_content_type_parse(in, &type);
    BUG_IF(!is_inside(type.essence, in) || !is_inside(type.charset, in));
    BUG_IF(type.charset.len && !type.essence.len);
    if (!header_retry_after(in, NOW_MS, &n))
        BUG_IF(n < 0);
    if (!header_refresh(in, &n, &url))
        BUG_IF(n < 0 || !is_inside(url, in));
    header_robots_merge(in, SPAN("crawl"), true, &robots);
    header_robots_merge(in, SPAN("crawl"), false, &robots);
}

static void check_dates(struct span in)
{
    char text[DATE_RFC3339_SIZE];
    struct date date, again;
    int64_t n;

    if (!date_parse_http(in, NOW_MS, &n))
        date_format_rfc3339(n, text);
    if (date_parse(in, &date))
        return;
    date_format_rfc3339(date.wall_ms, text);
    BUG_IF(date_parse(span_str(text), &again));
    /* Year 10000 and year -1 are within reach of a zone, but not of RFC 3339. */
    if (!span_starts(span_str(text), SPAN("9999")) &&
        !span_starts(span_str(text), SPAN("0000")))
        BUG_IF(again.wall_ms != date.wall_ms);
}

static void check_walks(struct span in, struct arena *mem)
{
    struct header_field field;
    struct header_link link;
    struct span rest = in;

    while (header_next(&rest, mem, &field))
        BUG_IF(field.name.len == 0);
    header_joined(in, SPAN("link"), mem);
    rest = in;
    while (header_link_next(&rest, mem, &link)) {
        BUG_IF(!is_inside(link.uri, in));
        for (size_t i = 0; i < link.rel.len; i++)
            BUG_IF(link.rel.ptr[i] >= 'A' && link.rel.ptr[i] <= 'Z');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make((const char *)data, size);
    struct arena mem;

    check_values(in);
    check_dates(in);
    arena_init(&mem, 16 * MIB);
    check_walks(in, &mem);
    arena_clear(&mem);
    arena_init(&mem, 64);
    check_walks(in, &mem);
    arena_clear(&mem);
    return 0;
}
