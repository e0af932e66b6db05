/* SPDX-License-Identifier: MIT */
#include "tests/kit/html_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char *const kinds[] = {
#define X(name, text) text,
    LINK_KIND_TABLE(X)
#undef X
};

void html_kit_open(struct html_kit *k)
{
    memset(k, 0, sizeof *k);
    k->scratch = html_scratch_new();
    arena_init(&k->mem, (size_t)64 << 20);
    buf_init(&k->described, 1 << 20);
    assert_int_equal(url_parse(SPAN("http://h.test/d/p.html"), NULL, &k->mem, &k->url),
                     OK);
    k->in.url = &k->url;
    k->in.content_type = SPAN("text/html; charset=utf-8");
    k->in.product_token = SPAN("crawl");
    k->in.wants_text = true;
    k->in.max_links = 1000;
    k->in.max_text = 1 << 20;
}

void html_kit_close(struct html_kit *k)
{
    html_scratch_free(k->scratch);
    arena_clear(&k->mem);
    buf_clear(&k->described);
}

void html_kit_parse(struct html_kit *k, struct span body)
{
    k->in.utf8 = body;
    assert_int_equal(html_parse(&k->in, k->scratch, &k->mem, &k->facts), OK);
}

static struct span shorten(struct span url)
{
    if (span_starts(url, SPAN("http://h.test/d/")))
        return span_skip(url, 16);
    return span_starts(url, SPAN("http://h.test/")) ? span_skip(url, 13) : url;
}

struct span html_kit_links(struct html_kit *k)
{
    buf_reset(&k->described);
    for (size_t i = 0; i < k->facts.n_links; i++) {
        const struct fact_link *link = &k->facts.links[i];
        assert_int_equal(buf_printf(&k->described, "%s%s%s:%.*s", i ? " " : "",
                                    link->is_nofollow ? "!" : "", kinds[link->kind],
                                    SPAN_ARG(shorten(link->url))),
                         OK);
        if (link->text.len)
            assert_int_equal(buf_printf(&k->described, "(%.*s)", SPAN_ARG(link->text)),
                             OK);
    }
    return buf_span(&k->described);
}

bool html_kit_is(struct span got, const char *want)
{
    if (span_eq(got, span_str(want)))
        return true;
    print_error("got \"%.*s\", want \"%s\"\n", SPAN_ARG(got), want);
    return false;
}
