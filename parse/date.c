/* SPDX-License-Identifier: MIT */
#include "parse/date.h"

#include <string.h>

#define MS_PER_S   INT64_C(1000)
#define MS_PER_DAY (86400 * MS_PER_S)
/* 0000-01-01 and 9999-12-31T23:59:59.999, the bounds of RFC 3339. */
#define RFC3339_MIN_MS INT64_C(-62167219200000)
#define RFC3339_MAX_MS INT64_C(253402300799999)
#define NOT_SEEN       (-1)

/* The parts as they are found; NOT_SEEN where absent. */
struct parts {
    int year, month, day, hour, minute, second;
    int ms;
    int year_digits;
    int zone_minutes;
    bool has_zone;
};

/* What is left to read. */
struct cursor {
    const char *at, *end;
};

static const struct parts nothing_seen = {
    .year = NOT_SEEN,
    .month = NOT_SEEN,
    .day = NOT_SEEN,
    .hour = NOT_SEEN,
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    c = span_ascii_lower(c);
    return c >= 'a' && c <= 'z';
}

static char peek(const struct cursor *c)
{
    return c->at < c->end ? *c->at : '\0';
}

static bool skip(struct cursor *c, char want)
{
    if (peek(c) != want || c->at == c->end)
        return false;
    c->at++;
    return true;
}

static void skip_space(struct cursor *c)
{
    while (c->at < c->end && span_is_space(*c->at))
        c->at++;
}

static size_t count_digits(const struct cursor *c)
{
    const char *p = c->at;

    while (p < c->end && is_digit(*p))
        p++;
    return (size_t)(p - c->at);
}

/* Exactly n digits, n <= 4 by every caller. */
static bool take_digits(struct cursor *c, size_t n, int *out)
{
    int value = 0;

    if (count_digits(c) < n)
        return false;
    for (size_t i = 0; i < n; i++)
        value = value * 10 + (*c->at++ - '0');
    *out = value;
    return true;
}

/* Digits behind a '.' or ',': milliseconds, the rest dropped. */
static bool take_fraction(struct cursor *c, int *out_ms)
{
    int scale = 100, ms = 0;

    if (!is_digit(peek(c)))
        return false;
    for (; is_digit(peek(c)); c->at++, scale /= 10)
        ms += (*c->at - '0') * scale;
    *out_ms = ms;
    return true;
}

/* "+hh", "+hhmm", "+hh:mm" and the same with '-'. */
static bool take_offset(struct cursor *c, struct parts *p)
{
    bool is_west = peek(c) == '-';
    int hours, minutes = 0;

    c->at++;
    if (!take_digits(c, count_digits(c) == 3 || count_digits(c) == 1 ? 1 : 2, &hours))
        return false;
    skip(c, ':');
    if (is_digit(peek(c)) && !take_digits(c, 2, &minutes))
        return false;
    if (hours > 24 || minutes > 59)
        return false;
    p->zone_minutes = (is_west ? -1 : 1) * (hours * 60 + minutes);
    p->has_zone = true;
    return true;
}

static struct span take_word(struct cursor *c)
{
    const char *from = c->at;

    while (c->at < c->end && is_letter(*c->at))
        c->at++;
    return span_make(from, (size_t)(c->at - from));
}

/*
 * Zone names of RFC 822 §5.1 and what feeds use besides. A name that is not
 * known says nothing, which RFC 5322 §4.3 reads as UTC.
 */
static void set_zone_name(struct span name, struct parts *p)
{
    static const struct {
        const char name[5];
        int minutes;
    } zones[] = {
        { "EST", -300 },  { "EDT", -240 },  { "CST", -360 }, { "CDT", -300 },
        { "MST", -420 },  { "MDT", -360 },  { "PST", -480 }, { "PDT", -420 },
        { "AKST", -540 }, { "AKDT", -480 }, { "HST", -600 }, { "WEST", 60 },
        { "BST", 60 },    { "CET", 60 },    { "CEST", 120 }, { "EET", 120 },
        { "EEST", 180 },  { "MSK", 180 },   { "JST", 540 },  { "KST", 540 },
        { "AEST", 600 },  { "AEDT", 660 },  { "NZST", 720 }, { "NZDT", 780 },
    };

    p->has_zone = true;
    p->zone_minutes = 0;
    for (size_t i = 0; i < ARRAY_LEN(zones); i++)
        if (span_eq_nocase(name, span_str(zones[i].name)))
            p->zone_minutes = zones[i].minutes;
}

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar. */
static int64_t days_of(int year, int month, int day)
{
    /* Years begin in March, so that the leap day is the last one. */
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
           day_of_year - 719468;
}

static int days_in_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && is_leap);
}

/* Checks every part. 24:00:00 is the end of the day, second 60 a leap second. */
static enum err parts_to_date(const struct parts *p, struct date *out)
{
    int month = p->month == NOT_SEEN ? 1 : p->month,
        day = p->day == NOT_SEEN ? 1 : p->day;
    int hour = p->hour == NOT_SEEN ? 0 : p->hour;
    int64_t seconds;

    if (p->year == NOT_SEEN || month < 1 || month > 12 || day < 1 ||
        day > days_in_month(p->year, month))
        return ERR_INVALID;
    if (hour > 24 || p->minute > 59 || p->second > 60 ||
        (hour == 24 && (p->minute || p->second)))
        return ERR_INVALID;
    seconds = hour * 3600 + (p->minute - (p->has_zone ? p->zone_minutes : 0)) * 60 +
              p->second;
    out->wall_ms =
        days_of(p->year, month, day) * MS_PER_DAY + seconds * MS_PER_S + p->ms;
    out->is_local = p->hour != NOT_SEEN && !p->has_zone;
    return OK;
}

/* "T12:30", "12:30:15.25", "123015", and a zone behind it. */
static bool take_iso_time(struct cursor *c, struct parts *p)
{
    if (!take_digits(c, 2, &p->hour))
        return false;
    skip(c, ':');
    if (is_digit(peek(c)) && !take_digits(c, 2, &p->minute))
        return false;
    if (skip(c, ':') || is_digit(peek(c))) {
        if (!take_digits(c, 2, &p->second))
            return false;
        if ((skip(c, '.') || skip(c, ',')) && !take_fraction(c, &p->ms))
            return false;
    }
    skip_space(c);
    if (peek(c) == '+' || peek(c) == '-')
        return take_offset(c, p);
    if (is_letter(peek(c)))
        set_zone_name(take_word(c), p);
    return true;
}

/* ISO 8601, W3C-DTF, RFC 3339: four digits of the year first. */
static enum err parse_iso(struct cursor c, struct date *out)
{
    struct parts p = nothing_seen;
    bool has_more;

    if (!take_digits(&c, 4, &p.year))
        return ERR_INVALID;
    has_more = skip(&c, '-') || skip(&c, '/') || count_digits(&c) >= 4;
    if (has_more && !take_digits(&c, count_digits(&c) == 1 ? 1 : 2, &p.month))
        return ERR_INVALID;
    has_more = has_more && (skip(&c, '-') || skip(&c, '/') || is_digit(peek(&c)));
    if (has_more && !take_digits(&c, count_digits(&c) == 1 ? 1 : 2, &p.day))
        return ERR_INVALID;
    if (has_more && (skip(&c, 'T') || skip(&c, 't') || span_is_space(peek(&c)))) {
        skip_space(&c);
        if (!take_iso_time(&c, &p))
            return ERR_INVALID;
    }
    return c.at == c.end ? parts_to_date(&p, out) : ERR_INVALID;
}

/* 1-12 for a word that begins like an English month, else NOT_SEEN. */
static int month_of(struct span word)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

    if (word.len < 3)
        return NOT_SEEN;
    for (int i = 0; i < 12; i++)
        if (span_eq_nocase(span_slice(word, 0, 3), span_make(names + (size_t)i * 3, 3)))
            return i + 1;
    return NOT_SEEN;
}

static bool is_weekday(struct span word)
{
    static const char names[] = "monsuntuewedthufrisat";

    for (int i = 0; i < 7; i++)
        if (word.len >= 3 &&
            span_eq_nocase(span_slice(word, 0, 3), span_make(names + (size_t)i * 3, 3)))
            return true;
    return false;
}

static bool take_text_word(struct cursor *c, struct parts *p)
{
    struct span word = take_word(c);

    if (p->month == NOT_SEEN && month_of(word) != NOT_SEEN) {
        p->month = month_of(word);
    } else if (span_eq_nocase(word, SPAN("am")) || span_eq_nocase(word, SPAN("pm"))) {
        if (p->hour < 1 || p->hour > 12)
            return false;
        p->hour = p->hour % 12 + (span_ascii_lower(word.ptr[0]) == 'p' ? 12 : 0);
    } else if (!is_weekday(word)) {
        if (p->hour == NOT_SEEN || p->has_zone)
            return false;
        set_zone_name(word, p);
    }
    return true;
}

/* A clock time, the day of the month, or the year: told apart by what stands there. */
static bool take_text_number(struct cursor *c, struct parts *p)
{
    size_t n = count_digits(c);
    int value;

    if (n > 4 || !take_digits(c, n, &value))
        return false;
    if (peek(c) == ':' && p->hour == NOT_SEEN && n <= 2) {
        p->hour = value;
        c->at++;
        if (!take_digits(c, count_digits(c) == 1 ? 1 : 2, &p->minute))
            return false;
        if (skip(c, ':') && !take_digits(c, count_digits(c) == 1 ? 1 : 2, &p->second))
            return false;
        return !skip(c, '.') || take_fraction(c, &p->ms);
    }
    if (p->day == NOT_SEEN && n <= 2) {
        p->day = value;
    } else if (p->year == NOT_SEEN && n >= 2) {
        p->year = value;
        p->year_digits = (int)n;
    } else {
        return false;
    }
    return true;
}

/*
 * RFC 822, RFC 850 and asctime differ in order and punctuation alone, so the
 * parts are taken as they come.
 */
static bool take_text_date(struct cursor c, struct parts *p)
{
    while (c.at < c.end) {
        char first = peek(&c);

        if (is_letter(first)) {
            if (!take_text_word(&c, p))
                return false;
        } else if (is_digit(first)) {
            if (!take_text_number(&c, p))
                return false;
        } else if ((first == '+' || first == '-') && p->hour != NOT_SEEN) {
            if (!take_offset(&c, p))
                return false;
        } else if (first == '(') {
            while (c.at < c.end && *c.at++ != ')')
                ;
        } else if (span_is_space(first) || first == ',' || first == '-' ||
                   first == '.') {
            c.at++;
        } else {
            return false;
        }
    }
    return p->year != NOT_SEEN && p->month != NOT_SEEN && p->day != NOT_SEEN;
}

static struct cursor cursor_over(struct span text)
{
    text = span_trim(text);
    return (struct cursor){ text.ptr, text.ptr + text.len };
}

enum err date_parse(struct span text, struct date *out)
{
    struct parts p = nothing_seen;
    struct cursor c;

    if (text.len == 0)
        return ERR_INVALID;
    c = cursor_over(text);
    if (count_digits(&c) >= 4)
        return parse_iso(c, out);
    if (!take_text_date(c, &p))
        return ERR_INVALID;
    if (p.year_digits == 2)
        p.year += p.year < 50 ? 2000 : 1900;
    else if (p.year_digits == 3)
        p.year += 1900;
    return parts_to_date(&p, out);
}

enum err date_parse_http(struct span text, int64_t now_wall_ms, int64_t *out_wall_ms)
{
    struct parts p = nothing_seen;
    struct date found;
    enum err e;

    if (text.len == 0 || !take_text_date(cursor_over(text), &p) || p.hour == NOT_SEEN)
        return ERR_INVALID;
    if (p.year_digits == 2) {
        /* The latest such year that is not over 50 years ahead; 31556952 s is a mean year. */
        int64_t this_year = 1970 + now_wall_ms / (31556952 * MS_PER_S);

        while (p.year + 100 <= this_year + 50)
            p.year += 100;
    }
    e = parts_to_date(&p, &found);
    if (!e)
        *out_wall_ms = found.wall_ms;
    return e;
}

char *date_format_rfc3339(int64_t wall_ms, char out[DATE_RFC3339_SIZE])
{
    int64_t ms = MIN(MAX(wall_ms, RFC3339_MIN_MS), RFC3339_MAX_MS);

    clock_format_iso(ms, out);
    if (ms % MS_PER_S == 0)
        memcpy(out + strlen(out) - strlen(".000Z"), "Z", 2);
    return out;
}
