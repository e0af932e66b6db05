/* SPDX-License-Identifier: MIT */
#include "config/clock.h"

#include <string.h>
#include <time.h>

#define MS_PER_DAY ((int64_t)24 * 60 * 60 * 1000)

/* Test control: when is_fake, these stand in for the kernel's clocks. */
static bool is_fake;
static int64_t fake_now_ns, fake_wall_ms;
static int64_t fake_rest_ns; /* of a millisecond: moved, but not yet in fake_wall_ms */

int64_t clock_now_ns(void)
{
    struct timespec ts;

    if (is_fake)
        return fake_now_ns;
    clock_gettime(CLOCK_BOOTTIME, &ts);
    return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t clock_wall_ms(void)
{
    struct timespec ts;

    if (is_fake)
        return fake_wall_ms;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / NS_PER_MS;
}

deadline clock_after(int64_t from_ns, int64_t delta_ns)
{
    int64_t at;

    if (__builtin_add_overflow(from_ns, delta_ns, &at))
        return delta_ns < 0 ? INT64_MIN : DEADLINE_NEVER;
    return at;
}

/* A day of the Gregorian calendar, the months counted from March on: so a leap day ends its year. */
struct date {
    int64_t year;
    unsigned month, day;
};

/* days: since 1970-01-01. As gmtime_r, but a list of requests is a million moments. */
static struct date date_of(int64_t days)
{
    int64_t from_march = days + 719468; /* of the year 0 */
    int64_t era = (from_march >= 0 ? from_march : from_march - 146096) / 146097;
    unsigned of_era = (unsigned)(from_march - era * 146097); /* the day, in 400 years */
    unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153;
    bool is_next_year = month >= 10;

    return (struct date){ .year = era * 400 + year + is_next_year,
                          .month = is_next_year ? month - 9 : month + 3,
                          .day = of_year - (153 * month + 2) / 5 + 1 };
}

/* Two digits behind a sign; returns the place behind them. */
static char *put_two(char *at, char before, unsigned n)
{
    at[0] = before;
    at[1] = (char)('0' + n / 10);
    at[2] = (char)('0' + n % 10);
    return at + 3;
}

/* Four digits, or as many as it takes. */
static char *put_year(char *at, int64_t year)
{
    char digits[20];
    size_t len = 0;
    uint64_t n = year < 0 ? -(uint64_t)year : (uint64_t)year;

    if (year < 0)
        *at++ = '-';
    do
        digits[len++] = (char)('0' + n % 10);
    while ((n /= 10) != 0 || len < 4);
    while (len > 0)
        *at++ = digits[--len];
    return at;
}

char *clock_format_iso(int64_t wall_ms, char out[CLOCK_ISO_SIZE])
{
    int64_t days = wall_ms / MS_PER_DAY - (wall_ms % MS_PER_DAY < 0); /* rounded down, also before 1970 */
    unsigned ms = (unsigned)((wall_ms % MS_PER_DAY + MS_PER_DAY) % MS_PER_DAY), s = ms / 1000;
    struct date date = date_of(days);
    char *at = put_year(out, date.year);

    at = put_two(at, '-', date.month);
    at = put_two(at, '-', date.day);
    at = put_two(at, 'T', s / 3600);
    at = put_two(at, ':', s / 60 % 60);
    at = put_two(at, ':', s % 60);
    at = put_two(at, '.', ms % 1000 / 10);
    *at++ = (char)('0' + ms % 10);
    memcpy(at, "Z", 2);
    return out;
}

void clock_fake_start(int64_t now_ns, int64_t wall_ms)
{
    is_fake = true;
    fake_now_ns = now_ns;
    fake_wall_ms = wall_ms;
    fake_rest_ns = 0;
}

void clock_fake_advance(int64_t ns)
{
    fake_now_ns += ns;
    fake_rest_ns += ns;
    fake_wall_ms += fake_rest_ns / NS_PER_MS;
    fake_rest_ns %= NS_PER_MS;
}

void clock_fake_stop(void)
{
    is_fake = false;
}

bool clock_is_fake(void)
{
    return is_fake;
}
