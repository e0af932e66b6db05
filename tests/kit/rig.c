/* SPDX-License-Identifier: MIT */
#include "tests/kit/rig.h"

#include <stdio.h>

void rig_open(struct rig *g, const struct origin_options *options, const char *seeds)
{
    g->o = origin_start(options);
    program_open(&g->p);
    program_seeds(&g->p, origin_port(g->o), seeds);
}

void rig_close(struct rig *g)
{
    program_close(&g->p);
    origin_stop(g->o);
}

int64_t rig_start_us(const struct rig *g, const char *host, const char *path, size_t n)
{
    const struct origin_request *r = traffic_nth(g->o, host, path, n);

    return r ? r->at_ns / 1000 : -1;
}

int64_t rig_end_us(const struct rig *g, const char *host, const char *path, size_t n)
{
    const struct origin_request *r = traffic_nth(g->o, host, path, n);

    return r ? r->end_ns / 1000 : INT64_MAX;
}

const char *rig_url(struct rig *g, const char *pattern, const char *column)
{
    char sql[512];

    snprintf(sql, sizeof sql, "SELECT %s FROM urls WHERE url LIKE '%s'", column,
             pattern);
    return program_text(&g->p, sql);
}

void rig_wall(void *arg, const struct origin_request *r, int *io_status, struct buf *out)
{
    (void)arg;
    if (!strstr(r->headers, "pass=1"))
        *io_status = 302;
    else if (buf_append(out, SPAN("<title>Inside</title>")))
        *io_status = 500;
}
