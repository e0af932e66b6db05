/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/clock.h"
#include "crawler/cookies.h"

#define NOW INT64_C(1700000000000)

/* A jar with the arena that URLs and headers of one test live in. */
struct rig {
    struct cookies *jar;
    struct arena mem;
};

static int open_rig(void **state)
{
    struct rig *r = test_calloc(1, sizeof *r);

    clock_fake_start(0, NOW);
    arena_init(&r->mem, (size_t)64 * MIB);
    if (cookies_open(NULL, &r->jar, NULL))
        return -1;
    *state = r;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *r = *state;

    cookies_close(r->jar);
    arena_clear(&r->mem);
    clock_fake_stop();
    test_free(r);
    return 0;
}

static struct url url(struct rig *r, const char *text)
{
    struct url u;

    assert_int_equal(url_parse(span_str(text), NULL, &r->mem, &u), OK);
    return u;
}

static void set(struct rig *r, const char *from, const char *set_cookie)
{
    struct url u = url(r, from);

    cookies_set(r->jar, &u, span_str(set_cookie));
}

static const char *get(struct rig *r, const char *at)
{
    struct url u = url(r, at);
    struct span out;

    return cookies_header(r->jar, &u, &r->mem, &out) ? out.ptr : "";
}

/* --- one cookie, one question ----------------------------------------------------------- */

static const struct row {
    const char *label, *from, *set_cookie, *at, *want, *source;
} rows[] = {
    { "a cookie comes back", "https://a.org/", "k=v", "https://a.org/", "k=v",
      "RFC 6265 5.4" },
    { "another path gets it when the default path is /", "https://a.org/x", "k=v",
      "https://a.org/y/z", "k=v", "RFC 6265 5.1.4" },
    { "http gets what https set without Secure", "https://a.org/", "k=v",
      "http://a.org/", "k=v", "RFC 6265 5.4" },
    { "ports do not matter", "http://a.org:8080/", "k=v", "http://a.org:81/", "k=v",
      "RFC 6265 8.5" },
    { "another host does not", "https://a.org/", "k=v", "https://b.org/", "",
      "RFC 6265 5.3 step 6" },
    { "host-only: not for a subdomain", "https://a.org/", "k=v", "https://www.a.org/",
      "", "RFC 6265 5.3 step 6" },
    { "host-only: not for the parent", "https://www.a.org/", "k=v", "https://a.org/",
      "", "RFC 6265 5.3 step 6" },
    { "Domain opens it to subdomains", "https://a.org/", "k=v; Domain=a.org",
      "https://x.y.a.org/", "k=v", "RFC 6265 5.1.3" },
    { "a host may set for its parent", "https://www.a.org/", "k=v; Domain=.A.ORG",
      "https://a.org/", "k=v", "RFC 6265 5.1.3" },
    { "not for another domain", "https://a.org/", "k=v; Domain=b.org", "https://b.org/",
      "", "RFC 6265 5.3 step 6" },
    { "not for a subdomain of itself", "https://a.org/", "k=v; Domain=www.a.org",
      "https://www.a.org/", "", "RFC 6265 5.3 step 6" },
    { "the match ends at a dot", "https://xa.org/", "k=v; Domain=a.org",
      "https://a.org/", "", "RFC 6265 5.1.3" },
    { "and is asked for at a dot", "https://a.org/", "k=v; Domain=a.org",
      "https://xa.org/", "", "RFC 6265 5.1.3" },
    { "not for a public suffix", "https://a.org/", "k=v; Domain=org", "https://a.org/",
      "", "RFC 6265 5.3 step 5" },
    { "not for one of two labels", "https://a.co.uk/", "k=v; Domain=co.uk",
      "https://b.co.uk/", "", "RFC 6265 5.3 step 5" },
    { "not for a private suffix", "https://a.github.io/", "k=v; Domain=github.io",
      "https://b.github.io/", "", "RFC 6265 5.3 step 5" },
    { "a suffix's own host keeps it to itself", "https://github.io/",
      "k=v; Domain=github.io", "https://github.io/", "k=v", "RFC 6265 5.3 step 5" },
    { "and its subdomains do not see it", "https://github.io/", "k=v; Domain=github.io",
      "https://a.github.io/", "", "RFC 6265 5.3 step 5" },
    { "localhost may name itself", "http://localhost/", "k=v; Domain=localhost",
      "http://localhost/", "k=v", "RFC 6265 5.3 step 5" },
    { "an address may name itself", "http://10.0.0.1/", "k=v; Domain=10.0.0.1",
      "http://10.0.0.1/", "k=v", "RFC 6265 5.1.3" },
    { "an address has no subdomains", "http://10.0.0.1/", "k=v; Domain=0.0.1",
      "http://10.0.0.1/", "", "RFC 6265 5.1.3" },
    { "IPv6 works as host-only", "http://[::1]/", "k=v", "http://[::1]/", "k=v",
      "RFC 6265 5.1.3" },
    { "a Domain outside ASCII is refused", "https://a.org/", "k=v; Domain=\xc3\xa9.org",
      "https://a.org/", "", "RFC 6265bis 5.7" },
    { "Punycode matches Punycode", "https://www.xn--bcher-kva.de/",
      "k=v; Domain=xn--bcher-kva.de",
      "https://b\xc3\xbc"
      "cher.de/",
      "k=v", "RFC 6265 5.1.2" },
    { "the default path is the directory", "https://a.org/d/page", "k=v",
      "https://a.org/d/other", "k=v", "RFC 6265 5.1.4" },
    { "and not above it", "https://a.org/d/page", "k=v", "https://a.org/", "",
      "RFC 6265 5.1.4" },
    { "a path matches below itself", "https://a.org/", "k=v; Path=/d",
      "https://a.org/d/x", "k=v", "RFC 6265 5.1.4" },
    { "but only at a slash", "https://a.org/", "k=v; Path=/d", "https://a.org/dx", "",
      "RFC 6265 5.1.4" },
    { "with its own slash it wants one", "https://a.org/", "k=v; Path=/d/",
      "https://a.org/d", "", "RFC 6265 5.1.4" },
    { "any page may name any path", "https://a.org/x/", "k=v; Path=/y",
      "https://a.org/y", "k=v", "RFC 6265 5.3" },
    { "paths know case", "https://a.org/", "k=v; Path=/D", "https://a.org/d", "",
      "RFC 6265 5.1.4" },
    { "the query is no part of the path", "https://a.org/?/d", "k=v; Path=/d",
      "https://a.org/?/d", "", "RFC 6265 5.1.4" },
    { "Secure stays with https", "https://a.org/", "k=v; Secure", "http://a.org/", "",
      "RFC 6265 5.4" },
    { "Secure comes back over https", "https://a.org/", "k=v; Secure", "https://a.org/",
      "k=v", "RFC 6265 5.4" },
    { "http cannot set Secure", "http://a.org/", "k=v; Secure", "https://a.org/", "",
      "RFC 6265bis 5.7" },
    { "HttpOnly is for us too", "https://a.org/", "k=v; HttpOnly", "https://a.org/",
      "k=v", "RFC 6265 5.3" },
    { "SameSite changes nothing", "https://a.org/", "k=v; SameSite=Strict",
      "https://a.org/", "k=v", "our own" },
    { "__Secure- wants Secure", "https://a.org/", "__Secure-k=v", "https://a.org/", "",
      "RFC 6265bis 4.1.3.1" },
    { "__Secure- with it", "https://a.org/", "__Secure-k=v; Secure", "https://a.org/",
      "__Secure-k=v", "RFC 6265bis 4.1.3.1" },
    { "prefixes in any case", "https://a.org/", "__sEcUrE-k=v", "https://a.org/", "",
      "RFC 6265bis 5.7" },
    { "__Host- with everything", "https://a.org/x/y", "__Host-k=v; Secure; Path=/",
      "https://a.org/", "__Host-k=v", "RFC 6265bis 4.1.3.2" },
    { "__Host- without Path", "https://a.org/", "__Host-k=v; Secure", "https://a.org/",
      "", "RFC 6265bis 4.1.3.2" },
    { "__Host- with another Path", "https://a.org/", "__Host-k=v; Secure; Path=/x",
      "https://a.org/x", "", "RFC 6265bis 4.1.3.2" },
    { "__Host- with Domain", "https://a.org/",
      "__Host-k=v; Secure; Path=/; Domain=a.org", "https://a.org/", "",
      "RFC 6265bis 4.1.3.2" },
    { "__Host- over http", "http://a.org/", "__Host-k=v; Secure; Path=/",
      "https://a.org/", "", "RFC 6265bis 4.1.3.2" },
    { "a value without a name", "https://a.org/", "abc", "https://a.org/", "abc",
      "RFC 6265bis 5.8.3" },
    { "which cannot pose as a prefixed one", "https://a.org/", "=__Host-k=v",
      "https://a.org/", "", "RFC 6265bis 5.7" },
    { "an empty value", "https://a.org/", "k=", "https://a.org/",
      "k=", "RFC 6265 5.4" },
    { "expired on arrival", "https://a.org/", "k=v; Max-Age=0", "https://a.org/", "",
      "RFC 6265 5.3" },
    { "control bytes", "https://a.org/", "k=v\x1b", "https://a.org/", "",
      "RFC 6265bis 5.6" },
};

static void check_row(void **state)
{
    struct rig *r;
    void *rig = NULL;
    const struct row *row = *state;

    assert_int_equal(open_rig(&rig), 0);
    r = rig;
    set(r, row->from, row->set_cookie);
    assert_string_equal(get(r, row->at), row->want);
    close_rig(&rig);
}

/* --- several cookies ------------------------------------------------------------------------ */

static void longer_paths_come_first_then_older_cookies(void **state)
{
    set(*state, "https://a.org/x/y/z", "one=1; Path=/");
    set(*state, "https://a.org/x/y/z", "two=2; Path=/x/y");
    set(*state, "https://a.org/x/y/z", "three=3; Path=/");
    set(*state, "https://a.org/x/y/z", "four=4; Path=/x/y");
    set(*state, "https://a.org/x/y/z", "five=5; Path=/x");

    assert_string_equal(get(*state, "https://a.org/x/y/z"),
                        "two=2; four=4; five=5; one=1; three=3");
}

static void replacing_keeps_the_place(void **state)
{
    set(*state, "https://a.org/", "one=1");
    set(*state, "https://a.org/", "two=2");
    set(*state, "https://a.org/", "one=new");

    assert_string_equal(get(*state, "https://a.org/"), "one=new; two=2");
}

static void path_and_host_only_tell_cookies_apart(void **state)
{
    struct rig *r = *state;

    set(r, "https://a.org/", "k=host");
    set(r, "https://a.org/", "k=domain; Domain=a.org");
    set(r, "https://a.org/", "k=path; Path=/p");

    assert_int_equal(cookies_count(r->jar), 3);
    assert_string_equal(get(r, "https://a.org/p"), "k=path; k=host; k=domain");
}

static void an_expired_one_deletes(void **state)
{
    struct rig *r = *state;

    set(r, "https://a.org/", "k=v");
    set(r, "https://a.org/", "k=; Expires=Thu, 01 Jan 1970 00:00:00 GMT");

    assert_string_equal(get(r, "https://a.org/"), "");
    assert_int_equal(cookies_count(r->jar), 0);
}

static void a_cookie_expires_when_its_time_comes(void **state)
{
    struct rig *r = *state;

    set(r, "https://a.org/", "k=v; Max-Age=10");
    set(r, "https://a.org/", "session=1");
    clock_fake_advance(9999 * NS_PER_MS);
    assert_string_equal(get(r, "https://a.org/"), "k=v; session=1");
    clock_fake_advance(1 * NS_PER_MS);
    assert_string_equal(get(r, "https://a.org/"), "session=1");
    assert_int_equal(cookies_count(r->jar), 1);
}

static void http_does_not_shadow_a_secure_cookie(void **state)
{
    set(*state, "https://a.org/", "k=safe; Secure; Domain=a.org");
    set(*state, "http://a.org/", "k=evil");
    set(*state, "http://www.a.org/", "k=evil; Domain=a.org");
    set(*state, "http://a.org/", "k=; Max-Age=0; Domain=a.org");
    set(*state, "http://a.org/", "k=evil; Path=/deep");

    assert_string_equal(get(*state, "https://a.org/deep"), "k=safe");
    assert_string_equal(get(*state, "http://a.org/deep"), "");
}

static void http_does_not_shadow_it_from_a_parent_domain_either(void **state)
{
    set(*state, "https://www.a.org/", "k=safe; Secure");
    set(*state, "http://a.org/", "k=evil; Domain=a.org");

    assert_string_equal(get(*state, "http://www.a.org/"), "");
}

static void http_does_not_shadow_it_from_a_deeper_host_either(void **state)
{
    set(*state, "https://a.org/", "k=safe; Secure; Domain=a.org");
    set(*state, "http://www.a.org/", "k=evil");

    assert_string_equal(get(*state, "https://www.a.org/"), "k=safe");
    assert_string_equal(get(*state, "http://www.a.org/"), "");
}

static void what_a_public_suffix_would_get_is_not_even_kept(void **state)
{
    struct rig *r = *state;

    set(r, "https://a.org/", "k=v; Domain=org");
    set(r, "https://a.co.uk/", "k=v; Domain=co.uk");
    set(r, "https://a.github.io/", "k=v; Domain=github.io");
    assert_int_equal(cookies_count(r->jar), 0);
}

static void http_may_set_beside_a_secure_cookie_of_a_deeper_path(void **state)
{
    set(*state, "https://a.org/", "k=safe; Secure; Path=/login");
    set(*state, "http://a.org/", "k=open");

    assert_string_equal(get(*state, "http://a.org/"), "k=open");
}

static void other_schemes_set_and_get_nothing(void **state)
{
    struct rig *r = *state;

    set(r, "ftp://a.org/", "k=v");
    assert_int_equal(cookies_count(r->jar), 0);
    set(r, "https://a.org/", "k=v");
    assert_string_equal(get(r, "ftp://a.org/"), "");
}

static void a_full_header_leaves_the_rest_at_home(void **state)
{
    struct rig *r = *state;
    char text[4000];

    memset(text, 'v', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    text[2] = '=';
    for (char c = 'a'; c <= 'j'; c++) {
        text[0] = text[1] = c;
        set(r, "https://a.org/", text);
    }
    assert_int_equal(strlen(get(r, "https://a.org/")), 4 * 3999 + 3 * 2);
}

/* --- bounds ---------------------------------------------------------------------------------------- */

static void a_host_keeps_its_50_latest(void **state)
{
    struct rig *r = *state;
    char text[32];

    for (int i = 0; i < 60; i++) {
        snprintf(text, sizeof text, "k%d=v", i);
        set(r, "https://a.org/", text);
        if (i == 0)
            set(r, "https://b.org/", "other=1");
    }

    assert_int_equal(cookies_count(r->jar), 51);
    assert_string_equal(get(r, "https://b.org/"), "other=1");
    assert_null(strstr(get(r, "https://a.org/"), "k9=v"));
    assert_non_null(strstr(get(r, "https://a.org/"), "k10=v"));
}

static void a_host_over_its_50_puts_out_none_of_another_of_its_domain(void **state)
{
    struct rig *r = *state;
    char text[32];

    set(r, "https://www.a.org/", "other=1");
    for (int i = 0; i < 60; i++) {
        snprintf(text, sizeof text, "k%d=v", i);
        set(r, "https://a.org/", text);
    }

    assert_int_equal(cookies_count(r->jar), 51);
    assert_string_equal(get(r, "https://www.a.org/"), "other=1");
}

static void expired_ones_go_first(void **state)
{
    struct rig *r = *state;
    char text[32];

    set(r, "https://a.org/p/", "old=1; Path=/p");
    set(r, "https://a.org/p/", "short=1; Path=/p; Max-Age=1");
    for (int i = 0; i < 48; i++) {
        snprintf(text, sizeof text, "k%d=v", i);
        set(r, "https://a.org/", text);
    }
    clock_fake_advance(2 * NS_PER_S);
    set(r, "https://a.org/", "last=1");

    assert_int_equal(cookies_count(r->jar), 50);
    assert_non_null(strstr(get(r, "https://a.org/p/"), "old=1"));
}

static void used_ones_stay(void **state)
{
    struct rig *r = *state;
    char text[32];

    set(r, "https://a.org/", "login=1; Path=/p");
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "k%d=v; Path=/q", i);
        set(r, "https://a.org/", text);
        get(r, "https://a.org/p/x");
    }
    assert_non_null(strstr(get(r, "https://a.org/p/x"), "login=1"));
}

static void a_domain_with_endless_hosts_is_bounded(void **state)
{
    struct rig *r = *state;
    char from[64];

    set(r, "https://b.org/", "mine=1");
    for (int i = 0; i < 1200; i++) {
        snprintf(from, sizeof from, "https://h%d.a.org/", i);
        set(r, from, "k=v");
        arena_reset(&r->mem);
    }
    assert_int_equal(cookies_count(r->jar), 501);
    assert_string_equal(get(r, "https://b.org/"), "mine=1");
    assert_string_equal(get(r, "https://h0.a.org/"), "");
    assert_string_equal(get(r, "https://h1199.a.org/"), "k=v");
}

static void the_jar_holds_10000(void **state)
{
    struct rig *r = *state;
    char from[64];

    for (int i = 0; i < 10010; i++) {
        snprintf(from, sizeof from, "https://d%d.org/", i);
        set(r, from, "k=v");
        arena_reset(&r->mem);
    }
    assert_int_equal(cookies_count(r->jar), 10000);
    assert_string_equal(get(r, "https://d9.org/"), "");
    assert_string_equal(get(r, "https://d10.org/"), "k=v");
}

/* As many as an answer can set, when other hosts have nearly filled the jar: it pays itself. */
static void a_flood_puts_out_cookies_of_its_own_host_only(void **state)
{
    struct rig *r = *state;
    char text[64];

    for (int i = 0; i < 9000; i++) {
        snprintf(text, sizeof text, "https://d%d.org/", i);
        set(r, text, "k=v");
        arena_reset(&r->mem);
    }
    for (int i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "n%d=v", i);
        set(r, "https://flood.example/", text);
        arena_reset(&r->mem);
    }
    for (int i = 0; i < 9000; i += 1000) {
        snprintf(text, sizeof text, "https://d%d.org/", i);
        assert_string_equal(get(r, text), "k=v");
    }
    assert_null(strstr(get(r, "https://flood.example/"), "n0=v"));
    assert_non_null(strstr(get(r, "https://flood.example/"), "n4999=v"));
}

static void a_small_arena_means_no_cookie(void **state)
{
    struct rig *r = *state;
    struct arena small;
    struct url u = url(r, "https://a.org/");
    struct span out = SPAN("untouched");

    set(r, "https://a.org/", "k=0123456789012345678901234567890123456789");
    arena_init(&small, 32);
    assert_false(cookies_header(r->jar, &u, &small, &out));
    assert_true(span_eq(out, SPAN("untouched")));
    arena_clear(&small);
}

/* --- the cookie file -------------------------------------------------------------------------------- */

static enum err load(struct rig *r, const char *text, size_t len, struct err_note *note)
{
    char path[] = "/tmp/test_cookies_XXXXXX";
    int fd = mkstemp(path);
    struct cookies *jar;
    enum err e;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    close(fd);
    e = cookies_open(path, &jar, note);
    unlink(path);
    if (!e) {
        cookies_close(r->jar);
        r->jar = jar;
    }
    return e;
}

#define LOAD(r, text, note) load(r, text, sizeof text - 1, note)

static void a_netscape_file_is_read(void **state)
{
    struct rig *r = *state;
    struct err_note note;

    assert_int_equal(LOAD(r,
                          "# Netscape HTTP Cookie File\r\n\r\n"
                          ".a.org\tTRUE\t/\tFALSE\t0\tsession\t1\r\n"
                          "b.org\tFALSE\t/p\tTRUE\t1700000001\tsecure\tx y\n"
                          "#HttpOnly_c.org\tfalse\t/\tfalse\t0\thttponly\t\n"
                          "d.org\tFALSE\t/\tFALSE\t0\tempty\n"
                          "e.org\tFALSE\t/\tFALSE\t1699999999\tgone\t1",
                          &note),
                     OK);
    assert_int_equal(cookies_count(r->jar), 4);
    assert_string_equal(get(r, "http://www.a.org/"), "session=1");
    assert_string_equal(get(r, "https://b.org/p"), "secure=x y");
    assert_string_equal(get(r, "http://b.org/p"), "");
    assert_string_equal(get(r, "https://x.b.org/p"), "");
    assert_string_equal(get(r, "http://c.org/"), "httponly=");
    assert_string_equal(get(r, "http://d.org/"), "empty=");
    assert_string_equal(get(r, "http://e.org/"), "");
}

static void bad_lines_are_named(void **state)
{
    static const struct {
        const char *line, *why;
    } bad[] = {
        { "a.org TRUE / FALSE 0 k v", ":2: it must have 7 fields" },
        { "a.org\tTRUE\t/\tFALSE\t0\tk\tv\textra", ":2: it must have 7 fields" },
        { "a b\tTRUE\t/\tFALSE\t0\tk\tv", ":2: the first field is no host" },
        { "a.org\tMAYBE\t/\tFALSE\t0\tk\tv", ":2: the second and the fourth" },
        { "a.org\tTRUE\t/\tFALSE\tsoon\tk\tv", ":2: the fifth field" },
        { "a.org\tTRUE\t/\tFALSE\t99999999999999999999\tk\tv", ":2: the fifth field" },
        { "a.org\tTRUE\tp\tFALSE\t0\tk\tv", ":2: the path must begin" },
        { ".co.uk\tTRUE\t/\tFALSE\t0\tk\tv", ":2: a cookie for a whole public suffix" },
        { "a.org\tTRUE\t/\tFALSE\t0\tk\tv\x1b", ":2: control bytes" },
        { "a.org\tTRUE\t/\tFALSE\t0\tk\tv\x7f", ":2: control bytes" },
    };
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err_note note = { "" };
        char text[200];
        int n = snprintf(text, sizeof text, "# first\n%s\n", bad[i].line);

        assert_int_equal(load(r, text, (size_t)n, &note), ERR_USAGE);
        assert_non_null(strstr(note.text, "/tmp/test_cookies_"));
        assert_non_null(strstr(note.text, bad[i].why));
        assert_null(strstr(note.text, "\tk\tv"));
    }
}

static void a_line_longer_than_any_cookie_is_named(void **state)
{
    static const char begin[] = "a.org\tTRUE\t/\tFALSE\t0\tk\t";
    char line[8192];
    struct err_note note = { "" };

    memset(line, 'v', sizeof line);
    memcpy(line, begin, sizeof begin - 1);
    assert_int_equal(load(*state, line, sizeof line, &note), ERR_USAGE);
    assert_non_null(strstr(note.text, ":1: too long"));
}

static void a_nul_byte_is_a_bad_line(void **state)
{
    struct err_note note;

    assert_int_equal(LOAD(*state, "a.org\tTRUE\t/\tFALSE\t0\tk\tv\0w\n", &note),
                     ERR_USAGE);
}

static void a_missing_file_is_named(void **state)
{
    struct cookies *jar = NULL;
    struct err_note note;

    (void)state;
    assert_int_equal(cookies_open("/nowhere/jar.txt", &jar, &note), ERR_USAGE);
    assert_non_null(strstr(note.text, "/nowhere/jar.txt"));
    assert_null(jar);
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, open_rig, close_rig)

int main(void)
{
    static const struct CMUnitTest fixed[] = {
        RIGGED(longer_paths_come_first_then_older_cookies),
        RIGGED(replacing_keeps_the_place),
        RIGGED(path_and_host_only_tell_cookies_apart),
        RIGGED(an_expired_one_deletes),
        RIGGED(a_cookie_expires_when_its_time_comes),
        RIGGED(http_does_not_shadow_a_secure_cookie),
        RIGGED(http_does_not_shadow_it_from_a_parent_domain_either),
        RIGGED(http_does_not_shadow_it_from_a_deeper_host_either),
        RIGGED(what_a_public_suffix_would_get_is_not_even_kept),
        RIGGED(http_may_set_beside_a_secure_cookie_of_a_deeper_path),
        RIGGED(other_schemes_set_and_get_nothing),
        RIGGED(a_full_header_leaves_the_rest_at_home),
        RIGGED(a_host_keeps_its_50_latest),
        RIGGED(a_host_over_its_50_puts_out_none_of_another_of_its_domain),
        RIGGED(expired_ones_go_first),
        RIGGED(used_ones_stay),
        RIGGED(a_domain_with_endless_hosts_is_bounded),
        RIGGED(the_jar_holds_10000),
        RIGGED(a_flood_puts_out_cookies_of_its_own_host_only),
        RIGGED(a_small_arena_means_no_cookie),
        RIGGED(a_netscape_file_is_read),
        RIGGED(bad_lines_are_named),
        RIGGED(a_line_longer_than_any_cookie_is_named),
        RIGGED(a_nul_byte_is_a_bad_line),
        cmocka_unit_test(a_missing_file_is_named),
    };
    struct CMUnitTest tests[ARRAY_LEN(fixed) + ARRAY_LEN(rows)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        tests[n++] = fixed[i];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[n++] =
            (struct CMUnitTest){ .name = rows[i].label,
                                 .test_func = check_row,
                                 .initial_state = (void *)(uintptr_t)&rows[i] };
    return cmocka_run_group_tests_name("crawler/cookies", tests, NULL, NULL);
}
