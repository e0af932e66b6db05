/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "parse/date.h"

#define BAD      "not a date"
#define NOW_2024 INT64_C(1714564800000)

struct row {
    const char *label, *in, *want;
    bool is_local;
    const char *source;
};

static const struct row rows[] = {
    /* RFC 9110 §5.6.7 */
    { "IMF-fixdate", "Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z", false,
      "RFC 9110 §5.6.7" },
    { "RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT", "1994-11-06T08:49:37Z", false,
      "RFC 9110 §5.6.7" },
    { "asctime", "Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37Z", true,
      "RFC 9110 §5.6.7" },
    /* RFC 822 §5, RFC 5322 §3.3 and §4.3 */
    { "no weekday", "06 Nov 1994 08:49:37 +0000", "1994-11-06T08:49:37Z", false,
      "RFC 822 §5.1" },
    { "no seconds", "Thu, 1 Jan 2004 19:48 GMT", "2004-01-01T19:48:00Z", false,
      "RFC 822 §5.1" },
    { "zone behind UTC", "Thu, 01 Jan 2004 19:48:21 -0330", "2004-01-01T23:18:21Z",
      false, "RFC 5322 §3.3" },
    { "zone before UTC", "Thu, 01 Jan 2004 00:10:00 +0100", "2003-12-31T23:10:00Z",
      false, "RFC 5322 §3.3" },
    { "zone with a colon", "01 Jan 2004 12:00:00 +01:00", "2004-01-01T11:00:00Z", false,
      "seen" },
    { "zone by name", "Thu, 01 Jan 2004 19:48:21 EST", "2004-01-02T00:48:21Z", false,
      "RFC 822 §5.1" },
    { "zone in lower case", "01 Jan 2004 12:00:00 pdt", "2004-01-01T19:00:00Z", false,
      "RFC 822 §5.1" },
    { "unknown zone is UTC", "01 Jan 2004 12:00:00 QQQ", "2004-01-01T12:00:00Z", false,
      "RFC 5322 §4.3" },
    { "Z", "01 Jan 2004 12:00:00 Z", "2004-01-01T12:00:00Z", false, "RFC 822 §5.1" },
    { "UT", "01 Jan 2004 12:00:00 UT", "2004-01-01T12:00:00Z", false, "RFC 822 §5.1" },
    { "no zone is local", "05 Jan 17 13:34:55", "2017-01-05T13:34:55Z", true,
      "RFC 822 §5.1" },
    { "two-digit year below 50", "01 Jan 49 00:00:00 GMT", "2049-01-01T00:00:00Z",
      false, "RFC 5322 §4.3" },
    { "two-digit year from 50", "01 Jan 50 00:00:00 GMT", "1950-01-01T00:00:00Z", false,
      "RFC 5322 §4.3" },
    { "three-digit year", "01 Jan 104 00:00:00 GMT", "2004-01-01T00:00:00Z", false,
      "RFC 5322 §4.3" },
    { "a comment", "Thu, 01 Jan 2004 19:48:21 +0000 (UTC)", "2004-01-01T19:48:21Z",
      false, "RFC 5322 §3.2.2" },
    { "full names", "Thursday, 01 January 2004 19:48:21 GMT", "2004-01-01T19:48:21Z",
      false, "seen" },
    { "month first, PM", "January 5, 2017 1:34:55 PM +0000", "2017-01-05T13:34:55Z",
      false, "seen" },
    { "noon and midnight", "January 5, 2017 12:00:00 AM GMT", "2017-01-05T00:00:00Z",
      false, "seen" },
    { "no time", "5 Jan 2017", "2017-01-05T00:00:00Z", false, "seen" },
    { "a leap second", "31 Dec 2016 23:59:60 GMT", "2017-01-01T00:00:00Z", false,
      "RFC 5322 §3.3" },
    { "spaces around", " \t5 Jan 2017\n", "2017-01-05T00:00:00Z", false, "seen" },
    /* W3C-DTF, ISO 8601, RFC 3339 */
    { "a year", "2004", "2004-01-01T00:00:00Z", false, "W3C-DTF" },
    { "a month", "2004-05", "2004-05-01T00:00:00Z", false, "W3C-DTF" },
    { "a day", "2004-12-23", "2004-12-23T00:00:00Z", false, "W3C-DTF" },
    { "minutes", "2004-12-23T18:00Z", "2004-12-23T18:00:00Z", false, "W3C-DTF" },
    { "seconds and zone", "2004-12-23T18:00:15+00:00", "2004-12-23T18:00:15Z", false,
      "W3C-DTF" },
    { "fraction", "2004-12-23T18:00:15.25-05:00", "2004-12-23T23:00:15.250Z", false,
      "W3C-DTF" },
    { "long fraction", "2004-12-23T18:00:15.1239999Z", "2004-12-23T18:00:15.123Z",
      false, "RFC 3339 §5.6" },
    { "comma before the fraction", "2004-12-23T18:00:15,5Z", "2004-12-23T18:00:15.500Z",
      false, "ISO 8601 §4.2.2.4" },
    { "lower case t and z", "2004-12-23t18:00:15z", "2004-12-23T18:00:15Z", false,
      "RFC 3339 §5.6" },
    { "space for T", "2004-12-23 18:00:15 +0100", "2004-12-23T17:00:15Z", false,
      "RFC 3339 §5.6" },
    { "no zone", "2004-12-23T18:00:15", "2004-12-23T18:00:15Z", true, "ISO 8601" },
    { "basic format", "20041223T180015Z", "2004-12-23T18:00:15Z", false, "ISO 8601" },
    { "basic date", "20041223", "2004-12-23T00:00:00Z", false, "ISO 8601" },
    { "short zone", "2004-12-23T18:00:15+01", "2004-12-23T17:00:15Z", false,
      "ISO 8601" },
    { "end of the day", "2004-12-23T24:00:00Z", "2004-12-24T00:00:00Z", false,
      "ISO 8601 §4.2.3" },
    { "leap day", "2024-02-29", "2024-02-29T00:00:00Z", false, "Gregorian calendar" },
    { "before 1970", "1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z", false,
      "RFC 3339" },
    { "the end of four-digit years", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z",
      false, "RFC 3339 §1" },
    /* nothing to be made of */
    { "empty", "", BAD, false, "" },
    { "spaces", "  ", BAD, false, "" },
    { "prose", "yesterday", BAD, false, "" },
    { "a weekday alone", "Sunday", BAD, false, "" },
    { "month 13", "2004-13-01", BAD, false, "" },
    { "month 0", "2004-00-01", BAD, false, "" },
    { "30 February", "30 Feb 2004 00:00:00 GMT", BAD, false, "" },
    { "29 February in a common year", "2023-02-29", BAD, false, "" },
    { "29 February 1900", "1900-02-29", BAD, false, "" },
    { "hour 25", "2004-01-01T25:00:00Z", BAD, false, "" },
    { "minute 60", "01 Jan 2004 10:60:00 GMT", BAD, false, "" },
    { "second 61", "01 Jan 2004 10:00:61 GMT", BAD, false, "" },
    { "24:00:01", "2004-01-01T24:00:01Z", BAD, false, "" },
    { "junk behind", "2004-01-01T10:00:00Z!", BAD, false, "" },
    { "junk behind text", "01 Jan 2004 10:00:00 GMT;", BAD, false, "" },
    { "two years", "01 Jan 2004 2005", BAD, false, "" },
    { "a long number", "1234567890", BAD, false, "" },
    { "half a zone", "2004-01-01T10:00:00+", BAD, false, "" },
    { "noon", "January 5, 2017 12:30:00 PM GMT", "2017-01-05T12:30:00Z", false, "seen" },
    { "13 PM", "January 5, 2017 13:00:00 PM GMT", BAD, false, "" },
    { "0 AM", "January 5, 2017 0:10:00 AM GMT", BAD, false, "" },
    { "PM of no time", "January 5, 2017 PM", BAD, false, "" },
    { "a zone of no time", "5 Jan 2017 GMT", BAD, false, "" },
    { "two zones", "5 Jan 2017 10:00:00 GMT GMT", BAD, false, "" },
    { "one digit of a month and a day", "2004-5-7", "2004-05-07T00:00:00Z", false, "seen" },
    { "slashes", "2004/05/07 10:20", "2004-05-07T10:20:00Z", true, "seen" },
    { "one digit of a zone", "2004-05-07T10:20:00+1", "2004-05-07T09:20:00Z", false, "seen" },
    { "three digits of a zone", "2004-05-07T10:20:00-130", "2004-05-07T11:50:00Z", false, "seen" },
    { "the largest zone", "2004-05-07T10:20:00+24:59", "2004-05-06T09:21:00Z", false, "" },
    { "a zone of 25 hours", "2004-05-07T10:20:00+25:00", BAD, false, "" },
    { "a zone with 60 minutes", "2004-05-07T10:20:00+01:60", BAD, false, "" },
    { "half the minutes of a zone", "2004-05-07T10:20:00+01:3", BAD, false, "" },
    { "half an hour's digits", "2004-05-07T1", BAD, false, "" },
    { "half a minute's digits", "2004-05-07T10:2", BAD, false, "" },
    { "half a second's digits", "2004-05-07T10:20:3", BAD, false, "" },
    { "a fraction of no digits", "2004-05-07T10:20:30.Z", BAD, false, "" },
    { "a month of three digits", "2004-123-01", BAD, false, "" },
    { "an open comment", "01 Jan 2004 (", "2004-01-01T00:00:00Z", false, "" },
};

static void reads_as_the_row_says(void **state)
{
    const struct row *row = *state;
    char got[DATE_RFC3339_SIZE];
    struct date date;

    if (date_parse(span_str(row->in), &date)) {
        assert_string_equal(BAD, row->want);
        return;
    }
    assert_string_equal(date_format_rfc3339(date.wall_ms, got), row->want);
    assert_true(date.is_local == row->is_local);
}

static void every_zone_that_is_known_by_name_has_its_distance(void **state)
{
    static const struct {
        const char *name, *want; /* of noon there */
    } zones[] = {
        { "EST", "17:00" },  { "EDT", "16:00" },  { "CST", "18:00" }, { "CDT", "17:00" },  { "MST", "19:00" },
        { "MDT", "18:00" },  { "PST", "20:00" },  { "PDT", "19:00" }, { "AKST", "21:00" }, { "AKDT", "20:00" },
        { "HST", "22:00" },  { "WEST", "11:00" }, { "BST", "11:00" }, { "CET", "11:00" },  { "CEST", "10:00" },
        { "EET", "10:00" },  { "EEST", "09:00" }, { "MSK", "09:00" }, { "JST", "03:00" },  { "KST", "03:00" },
        { "AEST", "02:00" }, { "AEDT", "01:00" }, { "NZST", "00:00" }, { "GMT", "12:00" },
    };
    char in[64], want[64], got[DATE_RFC3339_SIZE];
    struct date date;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
        snprintf(in, sizeof in, "01 Jul 2004 12:00:00 %s", zones[i].name);
        snprintf(want, sizeof want, "2004-07-01T%s:00Z", zones[i].want);
        assert_int_equal(date_parse(span_str(in), &date), OK);
        assert_string_equal(date_format_rfc3339(date.wall_ms, got), want);
    }
    assert_int_equal(date_parse(SPAN("01 Jul 2004 12:00:00 NZDT"), &date), OK);
    assert_string_equal(date_format_rfc3339(date.wall_ms, got), "2004-06-30T23:00:00Z");
}

static void every_month_and_weekday_has_its_name(void **state)
{
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    static const char *const weekdays[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
    char in[64], want[64], got[DATE_RFC3339_SIZE];
    struct date date;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(months); i++) {
        snprintf(in, sizeof in, "%s, 01 %s 2004", weekdays[i % ARRAY_LEN(weekdays)], months[i]);
        snprintf(want, sizeof want, "2004-%02zu-01T00:00:00Z", i + 1);
        assert_int_equal(date_parse(span_str(in), &date), OK);
        assert_string_equal(date_format_rfc3339(date.wall_ms, got), want);
    }
}

/* RFC 9110 §5.6.7: more than 50 years ahead is in the past. */
static void two_digit_years_of_http_follow_the_clock(void **state)
{
    char got[DATE_RFC3339_SIZE];
    int64_t at;

    (void)state;
    assert_int_equal(
        date_parse_http(SPAN("Sunday, 06-Nov-74 08:49:37 GMT"), NOW_2024, &at), OK);
    assert_string_equal(date_format_rfc3339(at, got), "2074-11-06T08:49:37Z");
    assert_int_equal(
        date_parse_http(SPAN("Sunday, 06-Nov-75 08:49:37 GMT"), NOW_2024, &at), OK);
    assert_string_equal(date_format_rfc3339(at, got), "1975-11-06T08:49:37Z");
}

/* RFC 9110 §5.6.7: a date alone, or one of another form, is no HTTP-date. */
static void http_wants_a_time(void **state)
{
    int64_t at = 7;

    (void)state;
    assert_int_equal(date_parse_http(SPAN("06 Nov 1994"), NOW_2024, &at), ERR_INVALID);
    assert_int_equal(date_parse_http(SPAN("1994-11-06T08:49:37Z"), NOW_2024, &at),
                     ERR_INVALID);
    assert_int_equal(date_parse_http(SPAN("0"), NOW_2024, &at), ERR_INVALID);
    assert_int_equal(date_parse_http(SPAN_NONE, NOW_2024, &at), ERR_INVALID);
    assert_int_equal(at, 7);
}

/* RFC 3339 §1: years have four digits. */
static void formatting_clamps_the_year(void **state)
{
    char got[DATE_RFC3339_SIZE];

    (void)state;
    assert_string_equal(date_format_rfc3339(INT64_MAX, got),
                        "9999-12-31T23:59:59.999Z");
    assert_string_equal(date_format_rfc3339(INT64_MIN, got), "0000-01-01T00:00:00Z");
    assert_string_equal(date_format_rfc3339(-1, got), "1969-12-31T23:59:59.999Z");
}

/* Every day of 800 years comes back as it went in. */
static void calendar_is_its_own_inverse(void **state)
{
    const int64_t day_ms = INT64_C(86400000),
                  from = INT64_C(-12219292800000); /* 1582-10-15 */
    char text[DATE_RFC3339_SIZE];
    struct date date;

    (void)state;
    for (int64_t day = 0; day < 800 * 366; day++) {
        date_format_rfc3339(from + day * day_ms, text);
        assert_int_equal(date_parse(span_str(text), &date), OK);
        assert_int_equal(date.wall_ms, from + day * day_ms);
    }
}

int main(void)
{
    static const struct CMUnitTest single[] = {
        cmocka_unit_test(every_zone_that_is_known_by_name_has_its_distance),
        cmocka_unit_test(every_month_and_weekday_has_its_name),
        cmocka_unit_test(two_digit_years_of_http_follow_the_clock),
        cmocka_unit_test(http_wants_a_time),
        cmocka_unit_test(formatting_clamps_the_year),
        cmocka_unit_test(calendar_is_its_own_inverse),
    };
    struct CMUnitTest tests[ARRAY_LEN(rows) + ARRAY_LEN(single)];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const void *row = &rows[i];

        tests[i] = (struct CMUnitTest){ .name = rows[i].label,
                                        .test_func = reads_as_the_row_says };
        memcpy(&tests[i].initial_state, &row, sizeof row);
    }
    memcpy(tests + ARRAY_LEN(rows), single, sizeof single);
    return cmocka_run_group_tests_name("parse/date", tests, NULL, NULL);
}
