/* SPDX-License-Identifier: MIT */
/*
 * URLs: parts, pages, keys, limits, and the quick path against the general
 * parser, whose own rows are in test_url_state. A source "key" is the header's
 * description of url_normalize.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/buf.h"
#include "config/mem.h"
#include "parse/url.h"
#include "parse/url_state.h"
#include "tests/parse/url_assert.h"

#define ROOM ((size_t)MIB)

static struct url parse_or_fail(const char *in, const char *base_text,
                                struct arena *mem)
{
    struct url base, u;

    if (base_text)
        assert_int_equal(url_parse(span_str(base_text), NULL, mem, &base), OK);
    assert_int_equal(url_parse(span_str(in), base_text ? &base : NULL, mem, &u), OK);
    return u;
}

struct key_row {
    const char *label, *in, *want, *source;
};

static const struct key_row key_rows[] = {
    { "nothing to do", "http://h.example/a/b?c=d", "http://h.example/a/b?c=d", "key" },
    { "the fragment goes", "http://h/a#b", "http://h/a", "key" },
    { "userinfo goes", "http://u:p@h/a", "http://h/a", "key" },
    { "userinfo and port", "http://u:p@h:81/a#x", "http://h:81/a", "key" },
    { "unreserved is decoded", "http://h/%41%7e%2D%5f%30?%61", "http://h/A~-_0?a",
      "RFC 3986 §6.2.2.2" },
    { "hex in upper case", "http://h/%e2%82%ac?%2f", "http://h/%E2%82%AC?%2F",
      "RFC 3986 §6.2.2.1" },
    { "reserved stays encoded", "http://h/%2F%3F%23%26%3D?%26",
      "http://h/%2F%3F%23%26%3D?%26", "RFC 3986 §2.2" },
    { "raw where not allowed", "http://h/[]|?[]|^`{}\\",
      "http://h/%5B%5D%7C?%5B%5D%7C%5E%60%7B%7D%5C", "RFC 3986 §3.3, §3.4" },
    { "sub-delims stay", "http://h/!$&'()*+,;=:@?/?", "http://h/!$&'()*+,;=:@?/?",
      "RFC 3986 §3.3" },
    { "a lone percent sign", "http://h/100%/%zz?%", "http://h/100%25/%25zz?%25",
      "RFC 3986 §2.1" },
    { "decoding makes no new escape", "http://h/%%34%31", "http://h/%2541",
      "RFC 3986 §2.4" },
    { "nothing is decoded twice", "http://h/%2541", "http://h/%2541", "RFC 3986 §2.4" },
    { "an empty query goes", "http://h/a?", "http://h/a", "key" },
    { "an empty query before a fragment", "http://h/a?#b", "http://h/a", "key" },
    { "an empty value stays", "http://h/a?b=", "http://h/a?b=", "key" },
    { "the trailing dot goes", "http://h.example./a", "http://h.example/a", "key" },
    { "the trailing dot before a port", "http://h.:81/a", "http://h:81/a", "key" },
    { "an empty label is no trailing dot", "http://h../a", "http://h../a", "key" },
    { "a lone dot stays", "http://./a", "http://./a", "key" },
    { "slashes are not folded", "http://h//a///b/", "http://h//a///b/", "key" },
    { "the order of a query stays", "http://h/?b&a&b", "http://h/?b&a&b", "key" },
    { "the case of a path stays", "http://h/Index.HTML", "http://h/Index.HTML", "key" },
    { "www stays", "http://www.h/", "http://www.h/", "key" },
    { "IPv6 stays in brackets", "http://[::1]:81/[", "http://[::1]:81/%5B", "key" },
    { "a host with odd characters", "http://a\"b{}/", "http://a%22b%7B%7D/",
      "RFC 3986 §3.2.2" },
    { "an opaque path", "data:a b|%41", "data:a%20b%7CA", "key" },
    { "a guarded path", "foo:/.//p|", "foo:/.//p%7C", "key" },
    { "a file's host keeps its dot", "file://localhost./x", "file://localhost./x",
      "key" },
    { "a scheme that is not special keeps its dot", "foo://h./", "foo://h./", "key" },
};

static void key_row_holds(void **state)
{
    const struct key_row *row = *state;
    struct span key, again;
    struct arena mem;
    struct url u;

    arena_init(&mem, ROOM);
    u = parse_or_fail(row->in, NULL, &mem);

    assert_int_equal(url_normalize(&u, &mem, &key), OK);

    assert_span(key, row->want);
    assert_int_equal(url_parse(key, NULL, &mem, &u), OK);
    assert_int_equal(url_normalize(&u, &mem, &again), OK);
    assert_span(again, row->want);
    arena_clear(&mem);
}

static void parts_are_views_of_href(void **state)
{
    struct arena mem;
    struct url u;

    (void)state;
    arena_init(&mem, ROOM);

    u = parse_or_fail("https://user:pass@example.com:8080/a/b?c=d#e", NULL, &mem);

    assert_span(url_protocol(&u), "https:");
    assert_span(url_username(&u), "user");
    assert_span(url_password(&u), "pass");
    assert_span(url_host(&u), "example.com:8080");
    assert_span(url_hostname(&u), "example.com");
    assert_span(url_pathname(&u), "/a/b");
    assert_span(url_search(&u), "?c=d");
    assert_span(url_hash(&u), "#e");
    assert_span(url_target(&u), "/a/b?c=d");
    assert_int_equal(url_port(&u), 8080);
    assert_int_equal(u.scheme, URL_HTTPS);
    assert_true(url_is_web(&u));
    arena_clear(&mem);
}

static void absent_parts_are_empty(void **state)
{
    struct arena mem;
    struct url u;

    (void)state;
    arena_init(&mem, ROOM);

    u = parse_or_fail("foo:/.//p?#", NULL, &mem);

    assert_span(url_protocol(&u), "foo:");
    assert_span(url_username(&u), "");
    assert_span(url_password(&u), "");
    assert_span(url_host(&u), "");
    assert_span(url_hostname(&u), "");
    assert_span(url_pathname(&u), "//p");
    assert_span(url_search(&u), "");
    assert_span(url_hash(&u), "");
    assert_span(url_target(&u), "//p?");
    assert_int_equal(url_port(&u), -1);
    assert_false(u.has_host);
    assert_false(url_is_web(&u));
    arena_clear(&mem);
}

static void a_username_may_stand_without_password(void **state)
{
    struct arena mem;
    struct url u;

    (void)state;
    arena_init(&mem, ROOM);

    u = parse_or_fail("ftp://user@h/", NULL, &mem);
    assert_span(url_username(&u), "user");
    assert_span(url_password(&u), "");
    u = parse_or_fail("ftp://:pass@h/", NULL, &mem);
    assert_span(url_username(&u), "");
    assert_span(url_password(&u), "pass");

    arena_clear(&mem);
}

static void every_special_scheme_has_its_port(void **state)
{
    static const struct {
        const char *in;
        enum url_scheme scheme;
        int32_t port;
    } rows[] = {
        { "http://h/", URL_HTTP, 80 }, { "https://h/", URL_HTTPS, 443 },
        { "ws://h/", URL_WS, 80 },     { "wss://h/", URL_WSS, 443 },
        { "ftp://h/", URL_FTP, 21 },   { "file://h/", URL_FILE, -1 },
        { "foo://h/", URL_OTHER, -1 }, { "httpss://h/", URL_OTHER, -1 },
    };
    struct arena mem;

    (void)state;
    arena_init(&mem, ROOM);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct url u = parse_or_fail(rows[i].in, NULL, &mem);

        assert_int_equal(u.scheme, rows[i].scheme);
        assert_int_equal(url_port(&u), rows[i].port);
        assert_int_equal(u.port, -1);
    }
    arena_clear(&mem);
}

static void a_page_has_neither_fragment_nor_userinfo(void **state)
{
    struct url u, page, again;
    struct arena mem;

    (void)state;
    arena_init(&mem, ROOM);
    u = parse_or_fail("http://u:p@h:81/a?b#c", NULL, &mem);

    assert_int_equal(url_page(&u, &mem, &page), OK);

    assert_span(page.href, "http://h:81/a?b");
    assert_url_sane(&page);
    assert_int_equal(url_parse(page.href, NULL, &mem, &again), OK);
    assert_same_url(&page, &again);
    arena_clear(&mem);
}

static void a_page_borrows_what_needs_no_change(void **state)
{
    struct url u, page;
    struct arena mem;
    struct span key;
    size_t used;

    (void)state;
    arena_init(&mem, ROOM);
    u = parse_or_fail("http://h/a?b#c", NULL, &mem);
    used = mem.used_bytes;

    assert_int_equal(url_page(&u, &mem, &page), OK);
    assert_int_equal(url_normalize(&u, &mem, &key), OK);

    assert_ptr_equal(page.href.ptr, u.href.ptr);
    assert_span(page.href, "http://h/a?b");
    assert_span(url_hash(&page), "");
    assert_ptr_equal(key.ptr, u.href.ptr);
    assert_int_equal(mem.used_bytes, used);
    arena_clear(&mem);
}

static void reparse_refuses_what_is_no_href(void **state)
{
    static const char *const rows[] = {
        "http://h",
        "HTTP://h/",
        "http://h/a/../b",
        " http://h/",
        "http://h:80/",
        "/a",
        "",
        "http://h/\xc3\xa9",
        "foo:/a//../b/./c",
        "http://[::1",
    };
    struct arena mem;
    struct url u;

    (void)state;
    arena_init(&mem, ROOM);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(url_reparse(span_str(rows[i]), &mem, &u), ERR_INVALID);
    arena_clear(&mem);
}

static void reparse_borrows_its_input(void **state)
{
    static const char *const rows[] = { "http://h/a?b#c", "foo:/.//p",
                                        "http://u@1.2.3.4/" };
    struct arena mem;
    struct url u;

    (void)state;
    arena_init(&mem, ROOM);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(url_reparse(span_str(rows[i]), &mem, &u), OK);
        assert_ptr_equal(u.href.ptr, rows[i]);
    }
    arena_clear(&mem);
}

/* windows-1252 for U+00E9, the standard's reference for U+0160's stand-in, ASCII as it is. */
static enum err latin_encoder(void *arg, struct span utf8, struct buf *out)
{
    int *calls = arg;

    ++*calls;
    for (size_t i = 0; i < utf8.len; i++) {
        enum err e;

        if ((unsigned char)utf8.ptr[i] < 0x80)
            e = buf_append_byte(out, utf8.ptr[i]);
        else if (span_starts(span_skip(utf8, i), SPAN("\xc3\xa9")))
            e = buf_append_byte(out, '\xe9');
        else
            e = buf_append(out, SPAN("%26%23352%3B"));
        if (e)
            return e;
        while (i + 1 < utf8.len && ((unsigned char)utf8.ptr[i + 1] & 0xc0) == 0x80)
            i++;
    }
    return OK;
}

static enum err failing_encoder(void *arg, struct span utf8, struct buf *out)
{
    (void)arg;
    (void)utf8;
    (void)out;
    return ERR_NO_MEMORY;
}

static void a_query_is_encoded_in_the_document_encoding(void **state)
{
    struct arena mem;
    int calls = 0;
    struct url u;

    (void)state;
    arena_init(&mem, ROOM);

    assert_int_equal(
        url_parse_encoded(SPAN("http://h/\xc3\xa9?\xc3\xa9' \xc5\xa0#\xc3\xa9"), NULL,
                          latin_encoder, &calls, &mem, &u),
        OK);

    assert_span(u.href, "http://h/%C3%A9?%E9%27%20%26%23352%3B#%C3%A9");
    assert_int_equal(calls, 1);
    arena_clear(&mem);
}

static void only_special_schemes_but_websockets_use_it(void **state)
{
    static const char *const rows[] = { "ws://h/?\xc3\xa9", "wss://h/?\xc3\xa9",
                                        "foo://h/?\xc3\xa9", "http://h/plain?q=a" };
    struct arena mem;
    int calls = 0;
    struct url u;

    (void)state;
    arena_init(&mem, ROOM);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(
            url_parse_encoded(span_str(rows[i]), NULL, latin_encoder, &calls, &mem, &u),
            OK);
    assert_int_equal(calls, 0);
    arena_clear(&mem);
}

static void an_encoder_that_fails_ends_the_parse(void **state)
{
    struct url u = { .port = 7 };
    struct arena mem;

    (void)state;
    arena_init(&mem, ROOM);

    assert_int_equal(url_parse_encoded(SPAN("http://h/?\xc3\xa9"), NULL,
                                       failing_encoder, NULL, &mem, &u),
                     ERR_NO_MEMORY);

    assert_int_equal(u.port, 7);
    arena_clear(&mem);
}

static void a_small_arena_is_too_large_and_no_crash(void **state)
{
    static const char *const rows[] = {
        "http://example.com/a/path/that/is/longer/than/the/room?with=query",
        "HTTP://user:pass@B\303\274cher.example/a/../b?\xc3\xa9#f",
        "foo:opaque path that is longer than there is room for",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t room = 0; room <= 40; room++) {
            struct url u = { .port = 7 };
            struct arena mem;

            arena_init(&mem, room);
            assert_int_equal(url_parse(span_str(rows[i]), NULL, &mem, &u),
                             ERR_TOO_LARGE);
            assert_int_equal(u.port, 7);
            arena_clear(&mem);
        }
}

static void page_and_key_respect_the_arena(void **state)
{
    struct arena mem, small;
    struct span key;
    struct url u, page;

    (void)state;
    arena_init(&mem, ROOM);
    arena_init(&small, 8);
    u = parse_or_fail("http://user@example.com/a|b", NULL, &mem);

    assert_int_equal(url_page(&u, &small, &page), ERR_TOO_LARGE);
    assert_int_equal(url_normalize(&u, &small, &key), ERR_TOO_LARGE);

    arena_clear(&small);
    arena_clear(&mem);
}

/* Fails allocation 1, 2, 3 … of a parse until it gets through. */
static void running_out_of_memory_is_an_error(void **state)
{
    enum err e = ERR_NO_MEMORY;
    int64_t nth = 0;
    int calls = 0;

    (void)state;
    while (e && nth < 100) {
        struct arena mem;
        struct span key;
        struct url u;

        arena_init(&mem, ROOM);
        mem_fail_after(++nth);
        e = url_parse_encoded(SPAN("HT\tTP://%41\xc3\xa9/\xff?\xff|\xc3\xa9#\xff"),
                              NULL, latin_encoder, &calls, &mem, &u);
        if (!e)
            e = url_normalize(&u, &mem, &key);
        mem_fail_after(0);
        if (e)
            assert_true(e == ERR_NO_MEMORY || e == ERR_TOO_LARGE);
        arena_clear(&mem);
    }
    assert_int_equal(e, OK);
    assert_true(nth > 3);
}

/* xorshift: the same URLs in every run. */
static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* A URL out of pieces that matter to the quick path, mostly plain. */
static void compose(struct buf *out, uint32_t *seed)
{
    static const char *const heads[] = { "http:/", "HTTP://", "https:", "http://",
                                         "https://" };
    static const char *const hosts[] = { "a",
                                         "example.com",
                                         "a.b",
                                         "a.",
                                         "1.2.3.4",
                                         "a.1",
                                         "A",
                                         "a_b",
                                         "",
                                         "u@a",
                                         "a..b",
                                         "0x",
                                         ".a",
                                         "a:80",
                                         "a:8",
                                         "a:443",
                                         "0.0.0.0",
                                         "127.0.0.1:8080",
                                         "255.255.255.256",
                                         "1.2.3",
                                         "01.2.3.4",
                                         "1.2.3.04",
                                         "1.2.3.0x4",
                                         "1.2.3.4.",
                                         "1..3.4",
                                         "1.2.3.4.5",
                                         "1.2.3.4a",
                                         "4294967295",
                                         "a:",
                                         "a:08",
                                         "a:65536",
                                         "[::1]",
                                         "xn--a",
                                         "a b",
                                         "\xc3\xa9" };
    static const char *const pieces[] = {
        "/",  "/a",       "b", ".",  "..", "%2e", "%2E", "%",   "?", "#", "=",
        "&",  "\\",       "'", "\"", "<",  "^",   "`",   "{",   "|", "[", " ",
        "\t", "\xc3\xa9", ":", "@",  "~",  "/.",  "//",  "%7e", "+", ";"
    };
    /* Mostly the last one, which the quick path takes. */
    size_t head = next_random(seed) % 12;
    size_t host = next_random(seed) % ARRAY_LEN(hosts);
    size_t n = next_random(seed) % 8;

    buf_reset(out);
    assert_int_equal(buf_append(out, span_str(heads[MIN(head, ARRAY_LEN(heads) - 1)])),
                     OK);
    assert_int_equal(buf_append(out, span_str(hosts[host])), OK);
    while (n--)
        assert_int_equal(
            buf_append(out, span_str(pieces[next_random(seed) % ARRAY_LEN(pieces)])),
            OK);
}

static void the_quick_path_agrees_with_the_general_one(void **state)
{
    const struct url_parser_query query = { 0 };
    uint32_t seed = 2463534242u;
    struct arena mem;
    struct buf text;

    (void)state;
    arena_init(&mem, ROOM);
    buf_init(&text, 4096);
    for (int i = 0; i < 200000; i++) {
        struct url quick, general;
        enum err e;

        compose(&text, &seed);
        e = url_parse(buf_span(&text), NULL, &mem, &quick);
        assert_int_equal(url_state_parse(buf_span(&text), NULL, &query, &mem, &general),
                         e);
        if (!e)
            assert_same_url(&quick, &general);
        arena_reset(&mem);
    }
    buf_clear(&text);
    arena_clear(&mem);
}

static void a_megabyte_takes_no_more_than_a_megabyte(void **state)
{
    struct arena mem;
    struct buf text;
    struct url u;

    (void)state;
    arena_init(&mem, 8 * ROOM);
    buf_init(&text, 2 * ROOM);
    assert_int_equal(buf_append(&text, SPAN("http://h")), OK);
    while (text.len < ROOM)
        assert_int_equal(buf_append(&text, SPAN("/a/../b")), OK);

    assert_int_equal(url_parse(buf_span(&text), NULL, &mem, &u), OK);

    assert_true(span_starts(u.href, SPAN("http://h/b/b/b")));
    buf_clear(&text);
    arena_clear(&mem);
}

#define PLAIN_TESTS 16

static struct CMUnitTest tests[ARRAY_LEN(key_rows) + PLAIN_TESTS] = {
    cmocka_unit_test(parts_are_views_of_href),
    cmocka_unit_test(absent_parts_are_empty),
    cmocka_unit_test(a_username_may_stand_without_password),
    cmocka_unit_test(every_special_scheme_has_its_port),
    cmocka_unit_test(a_page_has_neither_fragment_nor_userinfo),
    cmocka_unit_test(a_page_borrows_what_needs_no_change),
    cmocka_unit_test(reparse_refuses_what_is_no_href),
    cmocka_unit_test(reparse_borrows_its_input),
    cmocka_unit_test(a_query_is_encoded_in_the_document_encoding),
    cmocka_unit_test(only_special_schemes_but_websockets_use_it),
    cmocka_unit_test(an_encoder_that_fails_ends_the_parse),
    cmocka_unit_test(a_small_arena_is_too_large_and_no_crash),
    cmocka_unit_test(page_and_key_respect_the_arena),
    cmocka_unit_test(running_out_of_memory_is_an_error),
    cmocka_unit_test(the_quick_path_agrees_with_the_general_one),
    cmocka_unit_test(a_megabyte_takes_no_more_than_a_megabyte),
};

int main(void)
{
    size_t n = 0;

    while (tests[n].name)
        n++;
    for (size_t i = 0; i < ARRAY_LEN(key_rows); i++)
        tests[n++] =
            (struct CMUnitTest){ .name = key_rows[i].label,
                                 .test_func = key_row_holds,
                                 .initial_state = (void *)(uintptr_t)&key_rows[i] };
    return cmocka_run_group_tests_name("parse/url", tests, NULL, NULL);
}
