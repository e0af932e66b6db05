/* SPDX-License-Identifier: MIT */
#include "config/clock.h"

#include <string.h>
#include <time.h>

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

/* As "%0*u" would, in a tenth of its time: a list of requests is a million moments. Returns the place behind it. */
static char *put_digits(char *at, unsigned n, int width)
{
    char digits[10];
    int len = 0;

    do
        digits[len++] = (char)('0' + n % 10);
    while ((n /= 10) != 0 || len < width);
    while (len > 0)
        *at++ = digits[--len];
    return at;
}

char *clock_format_iso(int64_t wall_ms, char out[CLOCK_ISO_SIZE])
{
    int64_t ms = ((wall_ms % 1000) + 1000) % 1000;
    time_t s = (time_t)(wall_ms / 1000 -
                        (wall_ms % 1000 < 0)); /* rounded down, also before 1970 */
    struct tm tm = { 0 };
    char *at = out;
    int year;

    gmtime_r(&s, &tm);
    year = tm.tm_year + 1900;
    if (year < 0)
        *at++ = '-';
    at = put_digits(at, year < 0 ? -(unsigned)year : (unsigned)year, 4);
    const struct {
        int n, width;
        char before;
    } parts[] = { { tm.tm_mon + 1, 2, '-' }, { tm.tm_mday, 2, '-' }, { tm.tm_hour, 2, 'T' },
                  { tm.tm_min, 2, ':' },     { tm.tm_sec, 2, ':' },  { (int)ms, 3, '.' } };

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        *at++ = parts[i].before;
        at = put_digits(at, (unsigned)parts[i].n, parts[i].width);
    }
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
