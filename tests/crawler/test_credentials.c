/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/clock.h"
#include "config/io.h"
#include "crawler/credentials.h"

/* Credentials made of an auth file's text, with or without a jar. */
struct rig {
    struct credentials *c;
    struct arena mem;
    char path[64];
};

static enum err open_with(struct rig *r, const char *auth, bool uses_cookies,
                          struct err_note *note)
{
    struct settings s = { .uses_cookies = uses_cookies };
    enum err e;

    memset(r, 0, sizeof *r);
    note->text[0] = '\0';
    arena_init(&r->mem, (size_t)MIB);
    snprintf(r->path, sizeof r->path, "/tmp/test_credentials_%d", (int)getpid());
    if (auth) {
        assert_int_equal(io_replace_file(r->path, span_str(auth), NULL), OK);
        s.auth_file = r->path;
    }
    e = credentials_open(&s, &r->c, note);
    unlink(r->path);
    return e;
}

static void close_rig(struct rig *r)
{
    credentials_close(r->c);
    arena_clear(&r->mem);
}

static struct url url(struct rig *r, const char *text)
{
    struct url u;

    assert_int_equal(url_parse(span_str(text), NULL, &r->mem, &u), OK);
    return u;
}

/* The Authorization value for a URL, or "". */
static const char *authorization(struct rig *r, const char *at)
{
    struct url u = url(r, at);
    struct span out;

    return credentials_authorization(r->c, &u, &r->mem, &out) ? out.ptr : "";
}

/* --- passwords ---------------------------------------------------------------------------- */

static void a_password_goes_to_exactly_its_origin(void **state)
{
    struct err_note note;
    struct rig r;

    (void)state;
    assert_int_equal(open_with(&r, "https://a.org user:pass\n", false, &note), OK);
    assert_string_equal(authorization(&r, "https://a.org/"), "Basic dXNlcjpwYXNz");
    assert_string_equal(authorization(&r, "https://a.org:443/x/y?z"),
                        "Basic dXNlcjpwYXNz");
    assert_string_equal(authorization(&r, "https://A.ORG/"), "Basic dXNlcjpwYXNz");
    assert_string_equal(authorization(&r, "http://a.org/"), "");
    assert_string_equal(authorization(&r, "https://a.org:8443/"), "");
    assert_string_equal(authorization(&r, "https://www.a.org/"), "");
    assert_string_equal(authorization(&r, "https://a.org.evil.net/"), "");
    assert_string_equal(authorization(&r, "https://a.org@evil.net/"), "");
    assert_string_equal(authorization(&r, "https://a.org./"), "");
    close_rig(&r);
}

static void the_userinfo_of_a_link_is_no_password(void **state)
{
    struct err_note note;
    struct rig r;

    (void)state;
    assert_int_equal(open_with(&r, "https://a.org user:pass\n", false, &note), OK);
    assert_string_equal(authorization(&r, "https://x:y@b.org/"), "");
    assert_string_equal(authorization(&r, "https://x:y@a.org/"), "Basic dXNlcjpwYXNz");
    close_rig(&r);
}

static void a_file_in_every_allowed_dress(void **state)
{
    struct err_note note;
    struct rig r;

    (void)state;
    assert_int_equal(open_with(&r,
                               "# comment\r\n\r\n"
                               "  https://a.org/ \t user:pa:ss w\xc3\xb6rd \r\n"
                               "http://b.org:8080 :\n"
                               "http://c.org old:one\n"
                               "http://c.org new:one",
                               false, &note),
                     OK);
    assert_string_equal(authorization(&r, "https://a.org/"),
                        "Basic dXNlcjpwYTpzcyB3w7ZyZA==");
    assert_string_equal(authorization(&r, "http://b.org:8080/"), "Basic Og==");
    assert_string_equal(authorization(&r, "http://c.org/"), "Basic bmV3Om9uZQ==");
    close_rig(&r);
}

static void bad_lines_are_named_without_their_secret(void **state)
{
    static const char *const bad[] = {
        "https://a.org",
        "https://a.org secret",
        "a.org user:secret",
        "ftp://a.org user:secret",
        "https://a.org/x user:secret",
        "https://a.org/?q user:secret",
        "https://u:secret@a.org user:secret",
        "https:// user:secret",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err_note note;
        struct rig r;
        char text[200];

        snprintf(text, sizeof text, "# first\nhttps://ok.org user:pass\n%s\n", bad[i]);
        assert_int_equal(open_with(&r, text, false, &note), ERR_USAGE);
        assert_non_null(strstr(note.text, r.path));
        assert_non_null(
            strstr(note.text, ":3: it must be 'https://HOST USER:PASSWORD'"));
        assert_null(strstr(note.text, "secret"));
        close_rig(&r);
    }
}

static void missing_files_are_named(void **state)
{
    struct settings auth = { .auth_file = (char *)(uintptr_t) "/nowhere/auth" };
    struct settings jar = { .load_cookies = (char *)(uintptr_t) "/nowhere/jar" };
    struct credentials *c = NULL;
    struct err_note note;

    (void)state;
    assert_int_equal(credentials_open(&auth, &c, &note), ERR_USAGE);
    assert_non_null(strstr(note.text, "/nowhere/auth"));
    assert_int_equal(credentials_open(&jar, &c, &note), ERR_USAGE);
    assert_non_null(strstr(note.text, "/nowhere/jar"));
    assert_null(c);
}

/* --- seeds' origins ---------------------------------------------------------------------------- */

static void a_seed_origin_is_scheme_host_and_port(void **state)
{
    static const struct {
        const char *url;
        bool want;
    } rows[] = {
        { "https://a.org/other", true },  { "https://a.org:443/", true },
        { "http://a.org/", false },       { "https://www.a.org/", false },
        { "https://a.org:8443/", false }, { "http://b.org:8080/", true },
        { "http://b.org/", false },       { "https://a.org@evil.net/", false },
    };
    struct err_note note;
    struct url u;
    struct rig r;

    (void)state;
    assert_int_equal(open_with(&r, NULL, false, &note), OK);
    u = url(&r, "https://a.org/x");
    credentials_add_seed(r.c, &u);
    credentials_add_seed(r.c, &u);
    u = url(&r, "http://b.org:8080/");
    credentials_add_seed(r.c, &u);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        u = url(&r, rows[i].url);
        assert_int_equal(credentials_is_seed_origin(r.c, &u), rows[i].want);
    }
    close_rig(&r);
}

/* As a name on the command line or in an auth file may be. */
static void a_name_may_be_of_any_length(void **state)
{
    static char text[600 * 1024];
    struct err_note note;
    struct url u;
    struct rig r;

    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text, "https://", 8);
    memcpy(text + sizeof text - 12, " user:word", 11);
    assert_int_equal(open_with(&r, text, false, &note), OK);
    text[sizeof text - 12] = '\0';
    u = url(&r, text);
    assert_false(credentials_is_seed_origin(r.c, &u));
    credentials_add_seed(r.c, &u);
    assert_true(credentials_is_seed_origin(r.c, &u));
    close_rig(&r);
}

/* --- cookies --------------------------------------------------------------------------------------- */

static const char *cookie(struct rig *r, const char *at)
{
    struct url u = url(r, at);
    struct span out;

    return credentials_cookie(r->c, &u, &r->mem, &out) ? out.ptr : "";
}

static void keep(struct rig *r, const char *from, const char *headers)
{
    struct url u = url(r, from);

    credentials_keep_cookies(r->c, &u, span_str(headers));
}

static void every_set_cookie_line_is_taken(void **state)
{
    struct err_note note;
    struct rig r;

    (void)state;
    assert_int_equal(open_with(&r, NULL, true, &note), OK);
    keep(
        &r, "https://a.org/",
        "HTTP/1.1 200 OK\r\nset-cookie: a=1; Path=/\r\nX-Set-Cookie: no=1\r\nSet-Cookie: b=2, c=3\r\n"
        "SET-COOKIE:d=4\r\nCookie: e=5\r\n\r\n");
    assert_string_equal(cookie(&r, "https://a.org/"), "a=1; b=2, c=3; d=4");
    assert_string_equal(cookie(&r, "https://b.org/"), "");
    close_rig(&r);
}

static void what_cookies_hold_is_not_recorded(void **state)
{
    static const struct {
        const char *headers, *recorded;
    } rows[] = {
        { "A: 1\r\nX-Set-Cookie: no=1\r\n", "A: 1\r\nX-Set-Cookie: no=1\r\n" },
        { "", "" },
        { "A: 1\r\nset-cookie: s=abc; Path=/; Secure\r\nB: 2\r\n",
          "A: 1\r\nset-cookie: s=(withheld); Path=/; Secure\r\nB: 2\r\n" },
        { "Set-Cookie: abc\r\n", "Set-Cookie:(withheld)\r\n" },
        { "Set-Cookie: abc; x=1\r\n", "Set-Cookie:(withheld); x=1\r\n" },
        { "Set-Cookie: s=a=b", "Set-Cookie: s=(withheld)" },
        { "Set-Cookie: s=a\r\n bc\r\nB: 2\r\n x\r\n",
          "Set-Cookie: s=(withheld)\r\nB: 2\r\n x\r\n" },
        { "Set-Cookie", "Set-Cookie(withheld)" },
    };
    struct arena mem;

    (void)state;
    arena_init(&mem, (size_t)MIB);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct span got = credentials_withhold_cookies(span_str(rows[i].headers), &mem);

        if (!span_eq(got, span_str(rows[i].recorded)))
            fail_msg("row %zu: %.*s", i, SPAN_ARG(got));
    }
    arena_clear(&mem);
}

/* Promise P45: what one host sets appears in no request to another. */
static void a_needle_reaches_no_other_host(void **state)
{
    static const char *const others[] = {
        "https://b.org/",         "https://xa.org/", "https://a.org.evil.net/",
        "https://evil.net/a.org", "https://org/",    "http://10.0.0.1/",
        "https://sub.a.org/"
    };
    struct err_note note;
    struct rig r;

    (void)state;
    assert_int_equal(open_with(&r, NULL, true, &note), OK);
    keep(
        &r, "https://a.org/",
        "Set-Cookie: needle=1\r\nSet-Cookie: needle2=1; Domain=org\r\nSet-Cookie: needle3=1; Domain=b.org\r\n"
        "Set-Cookie: needle4=1; Domain=evil.net\r\nSet-Cookie: needle5=1; Domain=.\r\n\r\n");
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_string_equal(cookie(&r, others[i]), "");
    assert_non_null(strstr(cookie(&r, "https://a.org/"), "needle=1"));
    close_rig(&r);
}

static void without_cookies_nothing_is_kept(void **state)
{
    struct err_note note;
    struct rig r;

    (void)state;
    assert_int_equal(open_with(&r, NULL, false, &note), OK);
    keep(&r, "https://a.org/", "Set-Cookie: a=1\r\n\r\n");
    assert_string_equal(cookie(&r, "https://a.org/"), "");
    close_rig(&r);
    credentials_close(NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_goes_to_exactly_its_origin),
        cmocka_unit_test(the_userinfo_of_a_link_is_no_password),
        cmocka_unit_test(a_file_in_every_allowed_dress),
        cmocka_unit_test(bad_lines_are_named_without_their_secret),
        cmocka_unit_test(missing_files_are_named),
        cmocka_unit_test(a_seed_origin_is_scheme_host_and_port),
        cmocka_unit_test(a_name_may_be_of_any_length),
        cmocka_unit_test(every_set_cookie_line_is_taken),
        cmocka_unit_test(what_cookies_hold_is_not_recorded),
        cmocka_unit_test(a_needle_reaches_no_other_host),
        cmocka_unit_test(without_cookies_nothing_is_kept),
    };

    return cmocka_run_group_tests_name("crawler/credentials", tests, NULL, NULL);
}
