/* SPDX-License-Identifier: MIT */
#include "config/clock.h"

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

char *clock_format_iso(int64_t wall_ms, char out[CLOCK_ISO_SIZE])
{
    int64_t ms = ((wall_ms % 1000) + 1000) % 1000;
    time_t s = (time_t)(wall_ms / 1000 -
                        (wall_ms % 1000 < 0)); /* rounded down, also before 1970 */
    struct tm tm = { 0 };
    size_t n;

    gmtime_r(&s, &tm);
    n = strftime(out, CLOCK_ISO_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, CLOCK_ISO_SIZE - n, ".%03dZ", (int)ms);
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
