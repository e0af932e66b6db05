/* SPDX-License-Identifier: MIT */
/* JSON-LD, OpenGraph and Twitter card fields out of whole pages. Sources: json-ld.org, ogp.me, the HTML standard. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/mem.h"
#include "parse/json_text.h"
#include "parse/metadata.h"

#define LD "<script type=application/ld+json>"

static const struct page_row {
    const char *label, *page,
        *want; /* want: the members, each with a comma before it */
} page_rows[] = {
    { "nothing", "<title>x</title><p>y", "" },
    { "a JSON-LD block", LD " {\"@type\" : \"Product\", \"name\":\"a b\"}\n</script>",
      ",\"json_ld\":[{\"type\":\"Product\",\"data\":{\"@type\":\"Product\",\"name\":\"a b\"}}]" },
    { "a list of types", LD "{\"@type\":[\"A\",\"B\"]}</script>",
      ",\"json_ld\":[{\"type\":[\"A\",\"B\"],\"data\":{\"@type\":[\"A\",\"B\"]}}]" },
    { "a graph has no type of its own", LD "{\"@graph\":[{\"@type\":\"A\"}]}</script>",
      ",\"json_ld\":[{\"type\":null,\"data\":{\"@graph\":[{\"@type\":\"A\"}]}}]" },
    { "a list gives one each", LD "[{\"@type\":\"A\"},1,{\"@type\":\"B\"}]</script>",
      ",\"json_ld\":[{\"type\":\"A\",\"data\":{\"@type\":\"A\"}},{\"type\":\"B\",\"data\":{\"@type\":\"B\"}}]" },
    { "two blocks", LD "{}</script>" LD "{\"a\":1}</script>",
      ",\"json_ld\":[{\"type\":null,\"data\":{}},{\"type\":null,\"data\":{\"a\":1}}]" },
    { "no valid JSON", LD "{a:1}</script>",
      ",\"json_ld\":[{\"type\":null,\"error\":\"no valid JSON\"}]" },
    { "JSON after other JSON", LD "{}{}</script>",
      ",\"json_ld\":[{\"type\":null,\"error\":\"no valid JSON\"}]" },
    { "an empty block", LD " </script>", "" },
    { "a block in a comment's clothes", LD "<!-- {\"a\":1} --></script>",
      ",\"json_ld\":[{\"type\":null,\"data\":{\"a\":1}}]" },
    { "a block in CDATA", LD "//<![CDATA[\n{\"a\":1}\n//]]></script>",
      ",\"json_ld\":[{\"type\":null,\"data\":{\"a\":1}}]" },
    { "a type with a parameter, in capitals",
      "<script type=' Application/LD+JSON; charset=utf-8'>{}</script>",
      ",\"json_ld\":[{\"type\":null,\"data\":{}}]" },
    { "other scripts",
      "<script>{\"a\":1}</script><script type=application/json>{}</script>", "" },
    { "references in scripts stay", LD "{\"a\":\"&amp;\"}</script>",
      ",\"json_ld\":[{\"type\":null,\"data\":{\"a\":\"&amp;\"}}]" },
    { "a block without an end", LD "{\"a\":1}", "" },
    { "in a template",
      "<template>" LD "{}</script><meta property=og:title content=x></template>", "" },
    { "OpenGraph",
      "<meta property=og:title content='a &amp; \"b\"'><meta property=og:type content=article>",
      ",\"opengraph\":{\"title\":\"a & \\\"b\\\"\",\"type\":\"article\"}" },
    { "OpenGraph several times",
      "<meta property=og:image content=a><meta property=og:title content=t><meta property=og:image content=b>",
      ",\"opengraph\":{\"image\":[\"a\",\"b\"],\"title\":\"t\"}" },
    { "OpenGraph in name, in capitals", "<meta name=OG:Title content=t>",
      ",\"opengraph\":{\"title\":\"t\"}" },
    { "OpenGraph's vocabularies keep their name",
      "<meta property=article:author content=x><meta property=fb:app_id content=1>",
      ",\"opengraph\":{\"article:author\":\"x\",\"fb:app_id\":\"1\"}" },
    { "a list of properties", "<meta property='og:title twitter:title' content=t>",
      ",\"opengraph\":{\"title\":\"t\"},\"twitter\":{\"title\":\"t\"}" },
    { "Twitter card",
      "<meta name=twitter:card content=summary><meta property=twitter:site content=' @a '>",
      ",\"twitter\":{\"card\":\"summary\",\"site\":\"@a\"}" },
    { "other metas",
      "<meta name=description content=x><meta charset=utf-8><meta property=og:title>",
      "" },
    { "metas in the body count", "<body><p>x<meta property=og:title content=t>",
      ",\"opengraph\":{\"title\":\"t\"}" },
    { "metas in comments and scripts do not",
      "<!-- <meta property=og:title content=t> --><script>'<meta property=og:title content=t>'</script>",
      "" },
};

struct desk {
    struct arena mem;
    struct buf out;
    struct url base;
};

static int set_up(void **state)
{
    static struct desk d;

    arena_init(&d.mem, 64 << 20);
    buf_init(&d.out, METADATA_MAX_BYTES);
    if (url_parse(SPAN("http://example.org/dir/page"), NULL, &d.mem, &d.base))
        return -1;
    *state = &d;
    return 0;
}

static int tear_down(void **state)
{
    struct desk *d = *state;

    arena_clear(&d->mem);
    buf_clear(&d->out);
    return 0;
}

static struct desk desk_of_rows;

static struct span collect(struct desk *d, struct span page)
{
    buf_reset(&d->out);
    assert_int_equal(metadata_put(page, false, &d->base, &d->mem, &d->out), OK);
    return buf_span(&d->out);
}

/* As part of an object the members are valid JSON. */
static void assert_valid(struct span members)
{
    struct buf whole;

    buf_init(&whole, METADATA_MAX_BYTES + 16);
    assert_int_equal(buf_append(&whole, SPAN("{\"a\":1")), OK);
    assert_int_equal(buf_append(&whole, members), OK);
    assert_int_equal(buf_append_byte(&whole, '}'), OK);
    assert_true(json_text_is_object(buf_span(&whole)));
    buf_clear(&whole);
}

static void page_gives(void **state)
{
    const struct page_row *row = *state;
    void *desk = &desk_of_rows;
    struct span got;

    assert_int_equal(set_up(&desk), 0);
    got = collect(desk, span_str(row->page));
    if (!span_eq(got, span_str(row->want)))
        fail_msg("%.*s\nwant %s", SPAN_ARG(got), row->want);
    assert_valid(got);
    tear_down(&desk);
}

/* --- sizes ------------------------------------------------------------------------------- */

static struct span repeat(struct buf *page, const char *before, const char *piece,
                          size_t bytes, const char *after)
{
    buf_reset(page);
    assert_int_equal(buf_append(page, span_str(before)), OK);
    while (page->len < bytes)
        assert_int_equal(buf_append(page, span_str(piece)), OK);
    assert_int_equal(buf_append(page, span_str(after)), OK);
    return buf_span(page);
}

static bool says_cut(struct span members)
{
    return span_ends(members, SPAN(",\"facts_cut\":true"));
}

static void too_much_of_anything_is_cut_and_said_so(void **state)
{
    struct desk *d = *state;
    struct buf page;
    struct span got;

    buf_init(&page, 8 << 20);
    got = collect(d, repeat(&page, LD "{\"a\":\"", "xxxxxxxxxxxxxxxx", 1 << 20,
                            "\"}</script>" LD "{\"b\":1}</script>"));
    assert_true(says_cut(got) && span_find_span(got, SPAN("{\"b\":1}")) < got.len);
    got =
        collect(d, repeat(&page, "",
                          LD "{\"a\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}</script>",
                          1 << 20, ""));
    assert_true(says_cut(got) && got.len < METADATA_MAX_BYTES);
    assert_valid(got);
    got = collect(d, repeat(&page, "", "<meta property=og:image content=0123456789>",
                            1 << 20, ""));
    assert_true(says_cut(got) && got.len < METADATA_MAX_BYTES);
    assert_valid(got);
    got = collect(d, repeat(&page, "<meta property=og:title content='", "\xc3\xa9",
                            1 << 20, "'><meta name=twitter:card content=x>"));
    assert_true(says_cut(got) && span_find_span(got, SPAN("\"card\":\"x\"")) < got.len);
    assert_valid(got);
    buf_clear(&page);
}

static void json_nested_too_deeply_is_none(void **state)
{
    struct desk *d = *state;
    struct buf page;

    buf_init(&page, 1 << 20);
    for (int i = 0; i < 201; i++)
        assert_int_equal(buf_append(&page, i ? SPAN("{\"a\":") : SPAN(LD)), OK);
    assert_int_equal(buf_append(&page, SPAN("1")), OK);
    for (int i = 0; i < 200; i++)
        assert_int_equal(buf_append_byte(&page, '}'), OK);
    assert_int_equal(buf_append(&page, SPAN("</script>")), OK);
    assert_valid(collect(d, buf_span(&page)));
    assert_true(span_find_span(collect(d, buf_span(&page)), SPAN("no valid")) ==
                d->out.len);
    page.len = 0;
    assert_true(span_find_span(collect(d, repeat(&page, LD, "[", 300, "</script>")),
                               SPAN("no valid")) < d->out.len);
    buf_clear(&page);
}

static void a_full_arena_is_an_error_and_not_a_crash(void **state)
{
    struct desk *d = *state;
    struct span page = SPAN("<meta property=og:title content=a&amp;b>" LD
                            "{}</script><p itemscope><b itemprop=x>y</b>");

    for (size_t max = 0; max < 600000; max += 9973) {
        struct arena mem;
        enum err e;

        arena_init(&mem, max);
        buf_reset(&d->out);
        e = metadata_put(page, false, &d->base, &mem, &d->out);
        assert_true(e == ERR_TOO_LARGE || e == OK);
        arena_clear(&mem);
    }
}

#define WITH_DESK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define PLAIN           3

int main(void)
{
    static struct CMUnitTest tests[ARRAY_LEN(page_rows) + PLAIN] = {
        WITH_DESK(too_much_of_anything_is_cut_and_said_so),
        WITH_DESK(json_nested_too_deeply_is_none),
        WITH_DESK(a_full_arena_is_an_error_and_not_a_crash),
    };

    for (size_t i = 0; i < ARRAY_LEN(page_rows); i++)
        tests[PLAIN + i] =
            (struct CMUnitTest){ page_rows[i].label, page_gives, NULL, NULL,
                                 (void *)(uintptr_t)&page_rows[i] };
    return cmocka_run_group_tests_name("parse/metadata", tests, NULL, NULL);
}
