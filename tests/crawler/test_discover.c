/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/mem.h"
#include "crawler/discover.h"

/* As much of a crawl as deciding about a URL looks at. */
static int open_crawl(void **state)
{
    struct crawl *c = test_calloc(1, sizeof *c);
    struct settings *s = test_calloc(1, sizeof *s);

    options_set_defaults(&settings_table, s);
    c->settings = s;
    *state = c;
    return scope_open(s, &c->scope, NULL) || known_open((size_t)MIB, &c->known, NULL);
}

static int close_crawl(void **state)
{
    struct crawl *c = *state;
    struct settings *s = (struct settings *)(uintptr_t)c->settings;

    scope_close(c->scope);
    known_close(c->known);
    settings_clear(s);
    test_free(s);
    test_free(c);
    return 0;
}

static jmp_buf out_of_memory;

static void on_oom(void)
{
    longjmp(out_of_memory, 1);
}

/* Text that needs all there is to taking a URL apart: a host for ICU, escapes, dots. */
#define ODD_URL "http://B\xc3\xbc" "cher.example/a/../%7e\xc3\xbc x?\xc3\xa4=1#f"

enum way {
    AS_ENTRY,
    AS_LINK,
    AS_REDIRECT,
    N_WAYS
};

/* One URL discovered; false when it was left out. */
static bool discover(struct crawl *c, enum way way, struct arena *mem, struct store_offer *o)
{
    struct ticket from = { .id = 1, .url = SPAN("http://b.example/") };
    struct fact_link link = { .url = SPAN(ODD_URL) };
    struct page_facts facts = { .links = &link, .n_links = 1 };
    struct discover_page page = { .ticket = &from, .facts = &facts };
    struct store_link found;
    struct url base;
    size_t n;
    bool is_cut;

    switch (way) {
    case AS_ENTRY:
        return discover_entry(c, SPAN(ODD_URL), HOP_SITEMAP, -1, mem, o);
    case AS_LINK:
        if (discover_links(c, &page, mem, &found, &n, &is_cut) || n != 1)
            return false;
        *o = *found.offer;
        return true;
    default:
        from.depth = 1;
        return !url_parse(SPAN("http://b.example/"), NULL, mem, &base) &&
               discover_redirect(c, &from, &base, SPAN(ODD_URL), mem, o);
    }
}

/* P33: whichever allocation fails, the URL comes out whole, or the program ends. */
static void no_url_is_lost_for_want_of_memory(void **state)
{
    for (volatile int way = 0; way < N_WAYS; way++) {
        volatile int n_ended = 0, n = 0;
        volatile bool is_through = false;

        mem_set_oom_hook(on_oom);
        while (!is_through) {
            struct store_offer o;
            struct arena mem;

            arena_init(&mem, (size_t)MIB);
            mem_fail_after(way == AS_REDIRECT ? ++n + 1 : ++n);
            if (setjmp(out_of_memory) != 0) {
                n_ended++;
            } else {
                assert_true(discover(*state, (enum way)way, &mem, &o));
                assert_string_equal(o.key.ptr, "http://xn--bcher-kva.example/~%C3%BC%20x?%C3%A4=1");
                is_through = n > 20;
            }
            mem_fail_after(0);
            arena_clear(&mem);
        }
        mem_set_oom_hook(NULL);
        assert_true(n_ended > 0);
    }
}

static void what_is_no_url_is_left_out(void **state)
{
    struct store_offer o;
    struct arena mem;

    arena_init(&mem, (size_t)MIB);
    assert_false(discover_entry(*state, SPAN("http://[::g]/"), HOP_SITEMAP, -1, &mem, &o));
    assert_int_equal(mem.used_bytes < (size_t)MIB, 1);
    arena_clear(&mem);
}

static void over_the_cap_it_is_left_out_and_the_program_goes_on(void **state)
{
    struct store_offer o;
    struct arena mem;

    arena_init(&mem, 64);
    assert_false(discover_entry(*state, SPAN(ODD_URL), HOP_SITEMAP, -1, &mem, &o));
    arena_clear(&mem);
}

/* Whatever room a page's other links have left for the last. */
static void links_beyond_the_cap_are_cut_and_the_program_goes_on(void **state)
{
    struct fact_link links[100];
    struct store_link out[ARRAY_LEN(links)];
    struct ticket from = { .id = 1, .url = SPAN("http://b.example/") };
    struct page_facts facts = { .links = links, .n_links = ARRAY_LEN(links) };
    struct discover_page page = { .ticket = &from, .facts = &facts };

    for (size_t i = 0; i < ARRAY_LEN(links); i++)
        links[i] = (struct fact_link){ .url = SPAN("http://b.example/%7e") };
    for (size_t room = 16; room < (size_t)32 * KIB; room += 16) {
        struct arena mem;
        bool is_cut;
        size_t n;

        arena_init(&mem, room);
        assert_int_equal(discover_links(*state, &page, &mem, out, &n, &is_cut), OK);
        assert_int_equal(is_cut, n < ARRAY_LEN(links));
        arena_clear(&mem);
    }
}

/* A link to a URL that is known: is it told by its number, and why is it not followed? */
static const struct known_row {
    const char *label;
    enum url_reason known;
    int known_depth;
    uint8_t hop;
    bool is_nofollow;
    int page_depth; /* the link is one deeper */
    int64_t max_depth;
    bool is_settled;
    enum url_reason reason; /* of the offer, where there is one */
} known_rows[] = {
    { "a page that is as near", REASON_NONE, 3, FACT_HOP_LINK, false, 2, -1, true, REASON_NONE },
    { "a page that comes nearer", REASON_NONE, 3, FACT_HOP_LINK, false, 1, -1, false, REASON_NONE },
    { "a page out of scope", REASON_SCOPE, 3, FACT_HOP_LINK, false, 0, -1, true, REASON_NONE },
    { "a style sheet again", REASON_KIND, 3, FACT_HOP_NONE, false, 2, -1, true, REASON_NONE },
    { "a style sheet of a nearer page", REASON_KIND, 3, FACT_HOP_NONE, false, 1, -1, false, REASON_KIND },
    { "a link to what was a style sheet", REASON_KIND, 3, FACT_HOP_LINK, false, 5, -1, false, REASON_NONE },
    { "the same with nofollow", REASON_KIND, 3, FACT_HOP_LINK, true, 5, -1, false, REASON_NOFOLLOW },
    { "nofollow again", REASON_NOFOLLOW, 3, FACT_HOP_LINK, true, 2, -1, true, REASON_NONE },
    { "a style sheet that nofollow led to", REASON_NOFOLLOW, 3, FACT_HOP_NONE, false, 0, -1, true, REASON_NONE },
    { "a link that may be followed", REASON_NOFOLLOW, 3, FACT_HOP_LINK, false, 5, -1, false, REASON_NONE },
    { "deeper than is asked for", REASON_KIND, 3, FACT_HOP_NONE, false, 6, 6, false, REASON_DEPTH },
    { "as deep as is asked for", REASON_KIND, 3, FACT_HOP_NONE, false, 5, 6, true, REASON_NONE },
};

static void what_is_known_says_all_or_the_store_decides(void **state)
{
    struct crawl *c = *state;
    struct settings *s = (struct settings *)(uintptr_t)c->settings;

    s->scope = SCOPE_ANY;
    s->respects_nofollow = true;
    for (size_t i = 0; i < ARRAY_LEN(known_rows); i++) {
        const struct known_row *row = &known_rows[i];
        struct ticket from = { .id = 1, .url = SPAN("http://b.example/"), .depth = 50 };
        struct fact_link link = { .url = SPAN("http://b.example/x#part"),
                                  .hop = row->hop,
                                  .is_nofollow = row->is_nofollow };
        struct page_facts facts = { .links = &link, .n_links = 1 };
        struct discover_page page = { .ticket = &from, .facts = &facts, .depth = row->page_depth };
        struct store_link out;
        struct arena mem;
        size_t n;
        bool is_cut;

        s->depth = row->max_depth;
        known_put(c->known, SPAN("http://b.example/x"),
                  &(struct known_entry){ 7, row->known_depth, row->known });
        arena_init(&mem, (size_t)MIB);
        assert_int_equal(discover_links(c, &page, &mem, &out, &n, &is_cut), OK);
        assert_int_equal(n, 1);
        if ((out.id == 7) != row->is_settled || (out.offer == NULL) != row->is_settled ||
            (out.offer && out.offer->reason != row->reason))
            fail_msg("%s: id %lld, reason %d", row->label, (long long)out.id, out.offer ? (int)out.offer->reason : -1);
        arena_clear(&mem);
    }
}

#define WITH_CRAWL(test) cmocka_unit_test_setup_teardown(test, open_crawl, close_crawl)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CRAWL(no_url_is_lost_for_want_of_memory),
        WITH_CRAWL(what_is_no_url_is_left_out),
        WITH_CRAWL(over_the_cap_it_is_left_out_and_the_program_goes_on),
        WITH_CRAWL(links_beyond_the_cap_are_cut_and_the_program_goes_on),
        WITH_CRAWL(what_is_known_says_all_or_the_store_decides),
    };

    return cmocka_run_group_tests_name("crawler/discover", tests, NULL, NULL);
}
