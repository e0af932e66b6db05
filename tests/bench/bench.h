/* SPDX-License-Identifier: MIT */
/* What several benchmarks measure with. */
#pragma once

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "config/span.h"

/* The time of a clock: of the process, of this thread, or by the wall. */
static inline double bench_seconds(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Memory of this process that is really there. */
static inline double bench_resident_mib(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    char line[128] = "";
    struct span rest, word;
    int64_t pages = 0;

    if (f && fgets(line, sizeof line, f)) {
        rest = span_str(line);
        if (span_token(&rest, &word) && span_token(&rest, &word))
            (void)span_parse_i64(word, &pages);
    }
    if (f)
        (void)fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / (double)MIB;
}
