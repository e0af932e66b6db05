/* SPDX-License-Identifier: MIT */
#include "parse/cookie.h"

#define NOT_SEEN   (-1)
#define MS_PER_DAY INT64_C(86400000)

/* --- the date of Expires, RFC 6265 §5.1.1 ------------------------------------- */

struct date_parts {
    int hour, minute, second, day, month, year;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_delimiter(char c)
{
    return c == '\t' || (c >= ' ' && c <= '/') || (c >= ';' && c <= '@') ||
           (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

/* Takes min to max digits off *s; false when there are fewer or one more follows. */
static bool take_digits(struct span *s, size_t min, size_t max, int *out)
{
    int value = 0;
    size_t n = 0;

    for (; n < s->len && n < max && is_digit(s->ptr[n]); n++)
        value = value * 10 + (s->ptr[n] - '0');
    if (n < min || (n < s->len && is_digit(s->ptr[n])))
        return false;
    *s = span_skip(*s, n);
    *out = value;
    return true;
}

static bool take_colon(struct span *s)
{
    if (!s->len || s->ptr[0] != ':')
        return false;
    *s = span_skip(*s, 1);
    return true;
}

static bool read_time(struct span token, struct date_parts *p)
{
    int hour, minute, second;

    if (!take_digits(&token, 1, 2, &hour) || !take_colon(&token) ||
        !take_digits(&token, 1, 2, &minute) || !take_colon(&token) ||
        !take_digits(&token, 1, 2, &second))
        return false;
    p->hour = hour;
    p->minute = minute;
    p->second = second;
    return true;
}

static int month_of(struct span token)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

    for (int m = 0; m < 12; m++)
        if (span_starts_nocase(token, span_make(names + (size_t)m * 3, 3)))
            return m + 1;
    return NOT_SEEN;
}

/* The first token that fits each part counts, tried in this order. */
static void read_token(struct span token, struct date_parts *p)
{
    struct span rest = token;

    if (p->hour == NOT_SEEN && read_time(token, p))
        return;
    if (p->day == NOT_SEEN && take_digits(&rest, 1, 2, &p->day))
        return;
    if (p->month == NOT_SEEN && (p->month = month_of(token)) != NOT_SEEN)
        return;
    rest = token;
    if (p->year == NOT_SEEN && take_digits(&rest, 2, 4, &p->year))
        p->year += p->year >= 70 && p->year <= 99 ? 1900 : p->year <= 69 ? 2000 : 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && is_leap ? 29 : days[month - 1];
}

/* Days from 1970-01-01 in the Gregorian calendar; years begin in March here. */
static int64_t days_since_1970(int year, int month, int day)
{
    int64_t y = year - (month <= 2), era_years = y / 400 * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t year_of_era = y - era_years;

    return y / 400 * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
           day_of_year - 719468;
}

enum err cookie_date(struct span text, int64_t *out_wall_ms)
{
    struct date_parts p = {
        NOT_SEEN, NOT_SEEN, NOT_SEEN, NOT_SEEN, NOT_SEEN, NOT_SEEN
    };

    for (size_t i = 0; i < text.len;) {
        size_t end;

        if (is_delimiter(text.ptr[i])) {
            i++;
            continue;
        }
        for (end = i; end < text.len && !is_delimiter(text.ptr[end]);)
            end++;
        read_token(span_slice(text, i, end), &p);
        i = end;
    }
    if (p.hour == NOT_SEEN || p.day == NOT_SEEN || p.month == NOT_SEEN ||
        p.year == NOT_SEEN)
        return ERR_INVALID;
    if (p.hour > 23 || p.minute > 59 || p.second > 59 || p.year < 1601 || p.day < 1 ||
        p.day > days_in_month(p.year, p.month))
        return ERR_INVALID;
    *out_wall_ms = days_since_1970(p.year, p.month, p.day) * MS_PER_DAY +
                   ((p.hour * INT64_C(60) + p.minute) * 60 + p.second) * 1000;
    return OK;
}

/* --- the pair and its attributes ------------------------------------------------ */

/* Space and tab only: the standard's WSP. */
static struct span trim(struct span s)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = span_skip(s, 1);
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static bool has_control(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

/* Max-Age: digits, perhaps behind a minus sign; anything else is as if it were not there. */
static bool max_age(struct span value, int64_t now_wall_ms, int64_t *out_wall_ms)
{
    bool is_negative = value.len && value.ptr[0] == '-';
    struct span digits = is_negative ? span_skip(value, 1) : value;
    uint64_t seconds;

    if (!digits.len)
        return false;
    for (size_t i = 0; i < digits.len; i++)
        if (!is_digit(digits.ptr[i]))
            return false;
    if (!span_parse_u64(digits, &seconds) ||
        seconds > (uint64_t)(COOKIE_MAX_AGE_MS / 1000))
        seconds = (uint64_t)(COOKIE_MAX_AGE_MS / 1000);
    *out_wall_ms =
        is_negative || !seconds ? INT64_MIN : now_wall_ms + (int64_t)seconds * 1000;
    return true;
}

struct expiry {
    bool has_max_age, has_expires;
    int64_t max_age_ms, expires_ms; /* both as wall-clock moments */
};

static void read_attribute(struct span attribute, int64_t now_wall_ms,
                           struct cookie_fields *out, struct expiry *expiry)
{
    size_t eq = span_find(attribute, '=');
    struct span name = trim(span_slice(attribute, 0, eq));
    struct span value = trim(span_skip(attribute, eq + 1));

    if (value.len > COOKIE_MAX_ATTRIBUTE)
        return;
    if (span_eq_nocase(name, SPAN("Expires"))) {
        expiry->has_expires |= cookie_date(value, &expiry->expires_ms) == OK;
    } else if (span_eq_nocase(name, SPAN("Max-Age"))) {
        expiry->has_max_age |= max_age(value, now_wall_ms, &expiry->max_age_ms);
    } else if (span_eq_nocase(name, SPAN("Domain"))) {
        out->domain = span_starts(value, SPAN(".")) ? span_skip(value, 1) : value;
    } else if (span_eq_nocase(name, SPAN("Path"))) {
        out->path = span_starts(value, SPAN("/")) ? value : SPAN_NONE;
    } else if (span_eq_nocase(name, SPAN("Secure"))) {
        out->is_secure = true;
    }
}

/* A pair without '=' is a value without a name. */
static enum err read_pair(struct span pair, struct cookie_fields *out)
{
    size_t eq = span_find(pair, '=');
    bool has_name = eq < pair.len;

    out->name = has_name ? trim(span_slice(pair, 0, eq)) : SPAN_NONE;
    out->value = trim(has_name ? span_skip(pair, eq + 1) : pair);
    if (!out->name.len && !out->value.len)
        return ERR_INVALID;
    return out->name.len + out->value.len > COOKIE_MAX_PAIR ? ERR_INVALID : OK;
}

enum err cookie_parse(struct span set_cookie, int64_t now_wall_ms,
                      struct cookie_fields *out)
{
    struct cookie_fields found = { .expires_wall_ms = INT64_MAX };
    struct expiry expiry = { 0 };
    struct span rest = set_cookie, part = SPAN_NONE;

    if (has_control(set_cookie))
        return ERR_INVALID;
    if (!span_split(&rest, ';', &part) || read_pair(part, &found))
        return ERR_INVALID;
    while (span_split(&rest, ';', &part))
        read_attribute(part, now_wall_ms, &found, &expiry);
    found.has_expiry = expiry.has_max_age || expiry.has_expires;
    if (expiry.has_max_age)
        found.expires_wall_ms = expiry.max_age_ms;
    else if (expiry.has_expires)
        found.expires_wall_ms = MIN(expiry.expires_ms, now_wall_ms + COOKIE_MAX_AGE_MS);
    *out = found;
    return OK;
}
