/* SPDX-License-Identifier: MIT */
#include "tests/kit/traffic.h"

#include <stdio.h>
#include <unistd.h>

#include "config/clock.h"

#define PATIENCE_NS (20 * NS_PER_S)

static bool is_match(const struct origin_request *r, const char *host, const char *path)
{
    struct span at = span_str(r->host), want = span_str(path);

    if (host && !span_eq_nocase(span_str(host), span_slice(at, 0, span_find(at, ':'))))
        return false;
    if (!path)
        return true;
    if (span_ends(want, SPAN("*")))
        return span_starts(span_str(r->path), span_slice(want, 0, want.len - 1));
    return span_eq(want, span_str(r->path));
}

const struct origin_request *traffic_nth(const struct origin *o, const char *host,
                                         const char *path, size_t n)
{
    const struct origin_request *r;

    for (size_t i = 0; (r = origin_request_at(o, i)) != NULL; i++)
        if (is_match(r, host, path) && n-- == 0)
            return r;
    return NULL;
}

size_t traffic_count(const struct origin *o, const char *host, const char *path)
{
    size_t n = 0;

    while (traffic_nth(o, host, path, n))
        n++;
    return n;
}

size_t traffic_most_of_one(const struct origin *o, const char *host, const char *path)
{
    const struct origin_request *r, *same;
    size_t most = 0;

    for (size_t i = 0; (r = origin_request_at(o, i)) != NULL; i++) {
        size_t n = 0;

        for (size_t k = 0;
             is_match(r, host, path) && (same = origin_request_at(o, k)) != NULL; k++)
            n += span_eq(span_str(same->host), span_str(r->host)) &&
                 span_eq(span_str(same->path), span_str(r->path));
        most = MAX(most, n);
    }
    return most;
}

int64_t traffic_gap_us(const struct origin *o, const char *host)
{
    const struct origin_request *before = NULL, *r;
    int64_t shortest = INT64_MAX;

    for (size_t i = 0; (r = origin_request_at(o, i)) != NULL; i++) {
        if (!is_match(r, host, NULL))
            continue;
        if (before) {
            int64_t gap = before->end_ns ? (r->at_ns - before->end_ns) / 1000 : 0;

            shortest = MIN(shortest, MAX(gap, INT64_C(0)));
        }
        before = r;
    }
    return shortest;
}

bool traffic_wait(const struct origin *o, const char *host, const char *path, size_t n)
{
    int64_t give_up = clock_now_ns() + PATIENCE_NS;

    while (!traffic_nth(o, host, path, n - 1)) {
        if (clock_now_ns() > give_up)
            return false;
        usleep(1000);
    }
    return true;
}

void traffic_print(const struct origin *o)
{
    const struct origin_request *r, *first = origin_request_at(o, 0);

    for (size_t i = 0; (r = origin_request_at(o, i)) != NULL; i++)
        fprintf(stderr, "%9.3f ms  %7.3f ms  %u  %s%s\n",
                (double)(r->at_ns - first->at_ns) / 1e6,
                r->end_ns ? (double)(r->end_ns - r->at_ns) / 1e6 : -1.0, r->in_flight,
                r->host, r->path);
}
