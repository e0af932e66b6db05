/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "parse/cookie.h"

#define NOW    INT64_C(1700000000000) /* 2023-11-14T22:13:20Z */
#define DAY_MS INT64_C(86400000)

/* --- pairs and attributes ----------------------------------------------------------- */

static const struct pair_row {
    const char *label, *in, *name, *value, *domain, *path, *source;
} pair_rows[] = {
    { "a pair", "a=b", "a", "b", "", NULL, "RFC 6265 5.2" },
    { "only the first = parts name and value", "a=b=c", "a", "b=c", "", NULL,
      "RFC 6265 5.2" },
    { "white space around both goes", "  a \t=\t b  ; Path=/", "a", "b", "", "/",
      "RFC 6265 5.2" },
    { "white space inside stays", "a b=c d", "a b", "c d", "", NULL, "RFC 6265 5.2" },
    { "quotes belong to the value", "a=\"b c\"", "a", "\"b c\"", "", NULL,
      "RFC 6265 5.2" },
    { "an empty value", "a=", "a", "", "", NULL, "RFC 6265 5.2" },
    { "no = is a value without a name", "abc", "", "abc", "", NULL, "RFC 6265bis 5.6" },
    { "an empty name", "=abc", "", "abc", "", NULL, "RFC 6265bis 5.6" },
    { "bytes beyond ASCII stay", "a=\xc3\xa9\xff", "a", "\xc3\xa9\xff", "", NULL,
      "RFC 6265 5.2" },
    { "a tab inside the value stays", "a=b\tc", "a", "b\tc", "", NULL,
      "RFC 6265bis 5.6" },
    { "attribute names in any case", "a=b; pAtH=/x; DOMAIN=E.org", "a", "b", "E.org",
      "/x", "RFC 6265 5.2" },
    { "a leading dot of Domain goes", "a=b; Domain=.example.org", "a", "b",
      "example.org", NULL, "RFC 6265 5.2.3" },
    { "the last Domain counts", "a=b; Domain=x.org; Domain=y.org", "a", "b", "y.org",
      NULL, "RFC 6265 5.3 step 4" },
    { "a last empty Domain makes it host-only", "a=b; Domain=x.org; Domain=", "a", "b",
      "", NULL, "RFC 6265bis 5.7" },
    { "the last Path counts", "a=b; Path=/x; Path=/y", "a", "b", "", "/y",
      "RFC 6265 5.3 step 7" },
    { "a Path without a slash is the default path", "a=b; Path=/x; Path=y", "a", "b",
      "", NULL, "RFC 6265 5.2.4" },
    { "unknown attributes are skipped", "a=b; Fun; SameSite=Lax; X=Y;; ;Path=/z", "a",
      "b", "", "/z", "RFC 6265 5.2" },
    { "semicolons at the end", "a=b;;;", "a", "b", "", NULL, "RFC 6265 5.2" },
};

static void check_pair(void **state)
{
    const struct pair_row *row = *state;
    struct cookie_fields got;

    assert_int_equal(cookie_parse(span_str(row->in), NOW, &got), OK);

    assert_true(span_eq(got.name, span_str(row->name)));
    assert_true(span_eq(got.value, span_str(row->value)));
    assert_true(span_eq(got.domain, span_str(row->domain)));
    assert_true(span_eq(got.path, span_str(row->path)));
    assert_false(got.has_expiry);
}

static void flags_need_no_value_and_take_any(void **state)
{
    struct cookie_fields got;

    (void)state;
    assert_int_equal(cookie_parse(SPAN("a=b; secure=no; HttpOnly"), NOW, &got), OK);
    assert_true(got.is_secure);
    assert_int_equal(cookie_parse(SPAN("a=b; insecure"), NOW, &got), OK);
    assert_false(got.is_secure);
}

static void what_the_standard_ignores_is_invalid(void **state)
{
    static const struct {
        const char *ptr;
        size_t len;
    } bad[] = { { "", 0 },          { "=", 1 },
                { " ; Path=/", 9 }, { ";", 1 },
                { "a=b\0c", 5 },    { "a=b\nc", 5 },
                { "a=b\rc", 5 },    { "a=\x7f", 3 },
                { "a=\x1b[", 4 },   { "a=b; Path=\1", 11 } };
    struct cookie_fields got;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(cookie_parse(span_make(bad[i].ptr, bad[i].len), NOW, &got),
                         ERR_INVALID);
}

static void a_pair_has_4096_bytes_at_most(void **state)
{
    char text[COOKIE_MAX_PAIR + 2];
    struct cookie_fields got;

    (void)state;
    memset(text, 'x', sizeof text);
    text[5] = '=';
    assert_int_equal(cookie_parse(span_make(text, COOKIE_MAX_PAIR + 1), NOW, &got), OK);
    assert_int_equal(got.name.len + got.value.len, COOKIE_MAX_PAIR);
    assert_int_equal(cookie_parse(span_make(text, COOKIE_MAX_PAIR + 2), NOW, &got),
                     ERR_INVALID);
}

static void an_attribute_value_over_1024_bytes_is_skipped(void **state)
{
    char text[2000];
    struct cookie_fields got;
    int n = snprintf(text, sizeof text, "a=b; Path=/");

    (void)state;
    memset(text + n, 'p', COOKIE_MAX_ATTRIBUTE);
    assert_int_equal(
        cookie_parse(span_make(text, (size_t)n + COOKIE_MAX_ATTRIBUTE - 1), NOW, &got),
        OK);
    assert_int_equal(got.path.len, COOKIE_MAX_ATTRIBUTE);
    assert_int_equal(
        cookie_parse(span_make(text, (size_t)n + COOKIE_MAX_ATTRIBUTE), NOW, &got), OK);
    assert_int_equal(got.path.len, 0);
}

/* --- expiry --------------------------------------------------------------------------- */

static const struct expiry_row {
    const char *label, *in;
    bool has_expiry;
    int64_t want;
    const char *source;
} expiry_rows[] = {
    { "Max-Age counts from now", "a=b; Max-Age=60", true, NOW + 60000,
      "RFC 6265 5.2.2" },
    { "Max-Age 0 is at once", "a=b; Max-Age=0", true, INT64_MIN, "RFC 6265 5.2.2" },
    { "a negative Max-Age is at once", "a=b; Max-Age=-1", true, INT64_MIN,
      "RFC 6265 5.2.2" },
    { "Max-Age is cut to 400 days", "a=b; Max-Age=99999999", true, NOW + 400 * DAY_MS,
      "RFC 6265bis 5.5" },
    { "an absurd Max-Age too", "a=b; Max-Age=99999999999999999999999999", true,
      NOW + 400 * DAY_MS, "RFC 6265bis 5.5" },
    { "Max-Age that is no number is skipped", "a=b; Max-Age=1h", false, 0,
      "RFC 6265 5.2.2" },
    { "so is an empty one", "a=b; Max-Age=", false, 0, "RFC 6265 5.2.2" },
    { "so is a lone minus", "a=b; Max-Age=-", false, 0, "RFC 6265 5.2.2" },
    { "so is a plus", "a=b; Max-Age=+5", false, 0, "RFC 6265 5.2.2" },
    { "Max-Age beats Expires", "a=b; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
      true, NOW + 60000, "RFC 6265 5.3 step 3" },
    { "whatever their order", "a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT; max-age=60",
      true, NOW + 60000, "RFC 6265 5.3 step 3" },
    { "a broken Max-Age does not beat Expires",
      "a=b; Max-Age=x; Expires=Wed, 15 Nov 2023 22:13:20 GMT", true, NOW + DAY_MS,
      "RFC 6265 5.2.2" },
    { "the last valid Expires counts",
      "a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Expires=Wed, 15 Nov 2023 22:13:20 GMT; Expires=no",
      true, NOW + DAY_MS, "RFC 6265 5.3 step 3" },
    { "Expires is cut to 400 days", "a=b; Expires=Fri, 31 Dec 9999 23:59:59 GMT", true,
      NOW + 400 * DAY_MS, "RFC 6265bis 5.5" },
    { "a broken Expires leaves a session cookie", "a=b; Expires=soon", false, 0,
      "RFC 6265 5.2.1" },
};

static void check_expiry(void **state)
{
    const struct expiry_row *row = *state;
    struct cookie_fields got;

    assert_int_equal(cookie_parse(span_str(row->in), NOW, &got), OK);

    assert_int_equal(got.has_expiry, row->has_expiry);
    if (row->has_expiry)
        assert_int_equal(got.expires_wall_ms, row->want);
}

/* --- dates ------------------------------------------------------------------------------- */

#define T   INT64_C(784111777000) /* 1994-11-06T08:49:37Z */
#define BAD INT64_MIN

static const struct date_row {
    const char *label, *in;
    int64_t want;
} date_rows[] = {
    { "IMF-fixdate", "Sun, 06 Nov 1994 08:49:37 GMT", T },
    { "RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT", T },
    { "asctime", "Sun Nov  6 08:49:37 1994", T },
    { "dashes and four digits", "Sun, 06-Nov-1994 08:49:37 GMT", T },
    { "no weekday, no zone", "6 Nov 1994 08:49:37", T },
    { "year first", "1994 Nov 6 08:49:37", T },
    { "month in full, any case", "06-NOVEMBER-1994 08:49:37", T },
    { "one-digit time", "06 Nov 1994 8:49:37", T },
    { "rubbish behind the parts", "06th Nov 1994ad 08:49:37.999 PST", T },
    { "the zone is ignored", "Sun, 06 Nov 1994 08:49:37 +0500", T },
    { "delimiters of all kinds", "\t06/Nov/1994 {08:49:37} [GMT]", T },
    { "year 69 is 2069", "01 Jan 69 00:00:00", INT64_C(3124224000000) },
    { "year 70 is 1970", "01 Jan 70 00:00:00", 0 },
    { "year 99 is 1999", "31 Dec 99 00:00:00", INT64_C(946598400000) },
    { "a leap day", "29 Feb 2024 12:00:00", INT64_C(1709208000000) },
    { "a century that is one", "29 Feb 2000 00:00:00", INT64_C(951782400000) },
    { "before 1970", "01 Jan 1601 00:00:00", INT64_C(-11644473600000) },
    { "the latest year", "31 Dec 9999 23:59:59", INT64_C(253402300799000) },
    { "no leap day", "29 Feb 2023 12:00:00", BAD },
    { "a century that is none", "29 Feb 1900 00:00:00", BAD },
    { "other control bytes delimit nothing", "06\x01Nov\x01" "1994 08:49:37", BAD },
    { "day 0", "00 Nov 1994 08:49:37", BAD },
    { "day 32", "32 Oct 1994 08:49:37", BAD },
    { "hour 24", "06 Nov 1994 24:00:00", BAD },
    { "second 60", "06 Nov 1994 08:49:60", BAD },
    { "year 1600", "06 Nov 1600 08:49:37", BAD },
    { "a year of five digits", "06 Nov 19940 08:49:37", BAD },
    { "a year of one digit", "06 Nov 4 08:49:37", BAD },
    { "no seconds", "06 Nov 1994 08:49", BAD },
    { "no month", "06 11 1994 08:49:37", BAD },
    { "no time", "06 Nov 1994", BAD },
    { "ISO 8601", "1994-11-06T08:49:37Z", BAD },
    { "empty", "", BAD },
    { "only delimiters", " ,;-/ ", BAD },
};

static void check_date(void **state)
{
    const struct date_row *row = *state;
    int64_t got = 12345;
    enum err e = cookie_date(span_str(row->in), &got);

    if (row->want == BAD) {
        assert_int_equal(e, ERR_INVALID);
        assert_int_equal(got, 12345);
        return;
    }
    assert_int_equal(e, OK);
    assert_int_equal(got, row->want);
}

int main(void)
{
    static const struct CMUnitTest fixed[] = {
        cmocka_unit_test(flags_need_no_value_and_take_any),
        cmocka_unit_test(what_the_standard_ignores_is_invalid),
        cmocka_unit_test(a_pair_has_4096_bytes_at_most),
        cmocka_unit_test(an_attribute_value_over_1024_bytes_is_skipped),
    };
    struct CMUnitTest tests[ARRAY_LEN(fixed) + ARRAY_LEN(pair_rows) +
                            ARRAY_LEN(expiry_rows) + ARRAY_LEN(date_rows)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        tests[n++] = fixed[i];
    for (size_t i = 0; i < ARRAY_LEN(pair_rows); i++)
        tests[n++] =
            (struct CMUnitTest){ .name = pair_rows[i].label,
                                 .test_func = check_pair,
                                 .initial_state = (void *)(uintptr_t)&pair_rows[i] };
    for (size_t i = 0; i < ARRAY_LEN(expiry_rows); i++)
        tests[n++] =
            (struct CMUnitTest){ .name = expiry_rows[i].label,
                                 .test_func = check_expiry,
                                 .initial_state = (void *)(uintptr_t)&expiry_rows[i] };
    for (size_t i = 0; i < ARRAY_LEN(date_rows); i++)
        tests[n++] =
            (struct CMUnitTest){ .name = date_rows[i].label,
                                 .test_func = check_date,
                                 .initial_state = (void *)(uintptr_t)&date_rows[i] };
    return cmocka_run_group_tests_name("parse/cookie", tests, NULL, NULL);
}
