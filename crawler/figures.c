/* SPDX-License-Identifier: MIT */
#include "crawler/figures.h"

#include <math.h>
#include <stdio.h>

#include "config/clock.h"
#include "config/span.h"

#define LARGEST_STEP INT64_C(1000000000000000000)

char *figures_count(int64_t n, char out[FIGURES_SIZE])
{
    char digits[FIGURES_SIZE];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)n);
    int sign = n < 0;
    size_t at = 0;

    for (int i = 0; i < len; i++) {
        if (i > sign && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

/* Without a decimal that says nothing: 2.0k is 2k, 1.50 is 1.5. */
static void strip_zeros(char *digits)
{
    char *dot = strchr(digits, '.'), *end, *unit;

    if (!dot)
        return;
    unit = dot + 1 + strspn(dot + 1, "0123456789");
    for (end = unit; end[-1] == '0'; end--)
        ;
    end -= end[-1] == '.';
    memmove(end, unit, strlen(unit) + 1);
}

/* Three digits that matter, and a unit. */
static char *scaled(int64_t n, const char *const *units, size_t n_units, char *out)
{
    double value = (double)n;
    size_t unit = 0;

    while (value >= 999.5 && unit + 1 < n_units) {
        value /= 1000;
        unit++;
    }
    snprintf(out, FIGURES_SIZE, unit && value < 99.95 ? "%.1f%s" : "%.0f%s", value,
             units[unit]);
    strip_zeros(out);
    return out;
}

char *figures_short(int64_t n, char out[FIGURES_SIZE])
{
    static const char *const units[] = { "", "k", "M", "G", "T" };

    return scaled(n, units, ARRAY_LEN(units), out);
}

char *figures_bytes(int64_t n, char out[FIGURES_SIZE])
{
    static const char *const units[] = { " B", " KB", " MB", " GB", " TB" };

    return scaled(n, units, ARRAY_LEN(units), out);
}

static char *two_units(int64_t large, const char *of_large, int64_t small,
                       const char *of_small, char *out)
{
    if (small)
        snprintf(out, FIGURES_SIZE, "%lld %s %lld %s", (long long)large, of_large,
                 (long long)small, of_small);
    else
        snprintf(out, FIGURES_SIZE, "%lld %s", (long long)large, of_large);
    return out;
}

char *figures_duration(int64_t ms, char out[FIGURES_SIZE])
{
    int64_t s = ms / 1000 + (ms % 1000 >= 500);

    if (ms < 1000)
        snprintf(out, FIGURES_SIZE, "%lld ms", (long long)ms);
    else if (ms < 59950)
        snprintf(out, FIGURES_SIZE, ms < 9995 ? "%.2f s" : "%.1f s", (double)ms / 1000);
    else if (s < 3600)
        return two_units(s / 60, "min", s % 60, "s", out);
    else if (s < 86400)
        return two_units(s / 3600, "h", s / 60 % 60, "min", out);
    else
        return two_units(s / 86400, "d", s / 3600 % 24, "h", out);
    strip_zeros(out);
    return out;
}

char *figures_percent(int64_t part, int64_t whole, char out[FIGURES_SIZE])
{
    double share = whole > 0 ? (double)part * 100 / (double)whole : 0;

    if (whole <= 0)
        snprintf(out, FIGURES_SIZE, "-");
    else if (part > 0 && share < 0.1)
        snprintf(out, FIGURES_SIZE, "under 0.1 %%");
    else if (part < whole && share > 99.9)
        snprintf(out, FIGURES_SIZE, "over 99.9 %%");
    else
        snprintf(out, FIGURES_SIZE, part == whole ? "%.0f %%" : "%.1f %%", share);
    return out;
}

char *figures_rate(double a_second, char out[FIGURES_SIZE])
{
    if (a_second >= 99.95)
        return figures_count(a_second < 1e15 ? llround(a_second) : 0, out);
    snprintf(out, FIGURES_SIZE, a_second >= 9.995 ? "%.1f" : "%.2f", a_second);
    return out;
}

char *figures_moment(int64_t wall_ms, char out[FIGURES_SIZE])
{
    char iso[CLOCK_ISO_SIZE];

    if (wall_ms <= 0)
        snprintf(out, FIGURES_SIZE, "-");
    else
        snprintf(out, FIGURES_SIZE, "%.10s %.8s UTC", clock_format_iso(wall_ms, iso),
                 iso + 11);
    return out;
}

int64_t figures_round_step(double x)
{
    static const int64_t firsts[] = { 10, 20, 25, 50 };

    for (int64_t i = 1; i <= 5; i++) /* 3 and 4 are no steps */
        if ((double)i >= x && i != 3 && i != 4)
            return i;
    for (int64_t ten = 1; ten < LARGEST_STEP; ten *= 10)
        for (size_t i = 0; i < ARRAY_LEN(firsts); i++)
            if ((double)(firsts[i] * ten) >= x)
                return firsts[i] * ten;
    return LARGEST_STEP;
}

int figures_grid(double largest, int64_t *step)
{
    int64_t of_three = figures_round_step(largest / 3);
    int64_t of_two = figures_round_step(largest / 2);

    *step = 3 * of_three <= 2 * of_two ? of_three : of_two;
    return *step == of_three && 3 * of_three <= 2 * of_two ? 3 : 2;
}
