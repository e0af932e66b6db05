/* SPDX-License-Identifier: MIT */
/*
 * HTML pages. A first line "H" takes the lines up to an empty one as header
 * fields; the first byte of the page decides the kind (XHTML for '?') and the
 * encoding of queries. What must hold for every input:
 * 1. Tokens lie within the input, in order, and end.
 * 2. Facts keep the promises of parse/facts.h: UTF-8 without NUL, ASCII URLs,
 *    lengths and counts within their limits.
 * 3. A small arena gives ERR_TOO_LARGE or a page.
 */
#include "config/mem.h"
#include "parse/html.h"
#include "parse/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tokens(struct span in)
{
    struct tokenizer *t = mem_alloc(sizeof *t);
    const struct token *tok;

    tokenizer_init(t, in, false, NULL);
    const char *last = t->at;
    do {
        tok = tokenizer_next(t);
        BUG_IF(t->at < last || t->at > t->end);
        BUG_IF(tok->type != TOKEN_EOF && t->at == last);
        BUG_IF(tok->n_attrs > TOKENIZER_MAX_ATTRS);
        for (size_t i = 0; tok->type == TOKEN_START && i < tok->n_attrs; i++)
            BUG_IF(tok->attrs[i].name.len == 0);
        last = t->at;
    } while (tok->type != TOKEN_EOF);
    BUG_IF(t->at != t->end);
    mem_free(t);
}

static void check_text(struct span s, size_t max)
{
    BUG_IF(s.len > max);
    BUG_IF(s.len && (!span_is_utf8(s) || memchr(s.ptr, 0, s.len)));
}

#define MAX_URL ((size_t)8192)

static void check_url(struct span s, size_t max)
{
    BUG_IF(s.len > max);
    for (size_t i = 0; i < s.len; i++)
        BUG_IF(s.ptr[i] <= ' ' || s.ptr[i] > '~');
}

static void check_facts(const struct page_facts *facts, const struct html_input *in)
{
    check_text(facts->title, 1024);
    check_text(facts->description, 4096);
    check_text(facts->h1, 4096);
    check_text(facts->robots_meta, 4096);
    check_text(facts->lang, 64);
    check_text(facts->text, in->max_text);
    check_url(facts->canonical, MAX_URL);
    check_url(facts->refresh_url, MAX_URL);
    BUG_IF(facts->n_links > in->max_links + 1);
    BUG_IF(facts->word_count < 0 || facts->refresh_delay_s < 0);
    for (size_t i = 0; i < facts->n_links; i++) {
        const struct fact_link *link = &facts->links[i];
        check_url(link->url, MAX_URL + 1); /* a byte more: it was cut */
        check_text(link->text, 1024);
        check_text(link->rel, 1024);
        check_text(link->title, 4096);
        BUG_IF(link->kind >= N_LINK_KINDS || link->hop >= N_FACT_HOPS);
    }
}

static void check_page(struct html_input *in, size_t room)
{
    struct html_scratch *scratch = html_scratch_new();
    struct page_facts facts = { 0 };
    struct arena mem;

    arena_init(&mem, room);
    enum err e = html_parse(in, scratch, &mem, &facts);
    BUG_IF(e && e != ERR_TOO_LARGE);
    if (!e)
        check_facts(&facts, in);
    arena_clear(&mem);
    html_scratch_free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make((const char *)data, size), headers = SPAN_NONE;
    struct arena mem;
    struct url url;

    if (!span_is_utf8(in))
        return 0;
    if (span_starts(in, SPAN("H\n"))) {
        size_t end = span_find_span(in, SPAN("\n\n"));
        headers = span_slice(in, 2, MAX(end, (size_t)2));
        in = span_skip(in, end);
    }
    check_tokens(in);
    arena_init(&mem, 4096);
    BUG_IF(url_parse(SPAN("http://h.test/d/p?q#f"), NULL, &mem, &url));
    bool is_xml = in.len && in.ptr[0] == '?';
    struct html_input page = { .utf8 = in,
                               .url = &url,
                               .charset = in.len % 3 ? NULL : "shift_jis",
                               .content_type = is_xml ? SPAN("application/xhtml+xml")
                                                      : SPAN("text/html"),
                               .headers = headers,
                               .product_token = SPAN("crawl"),
                               .wants_text = true,
                               .wants_details = in.len % 2,
                               .max_links = 50,
                               .max_text = 1000 };
    check_page(&page, (size_t)64 << 20);
    check_page(&page, size * 3);
    arena_clear(&mem);
    return 0;
}
