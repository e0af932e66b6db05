/* SPDX-License-Identifier: MIT */
/*
 * What would become of a URL that the database has never seen, and why: the
 * second half of `crawl explain`. Everything that decides about a discovered
 * URL is asked in its order: scheme, length, scope,
 * include/exclude, depth, trap, address, robots.txt, host limit. The scope is
 * that of the database's seeds; robots.txt is the stored one, read by a
 * sandboxed parser process as in a crawl. No server is asked.
 */
#pragma once

#include "config/settings.h"
#include "parse/url.h"
#include "store/reader.h"

/* What the database says that matters for one URL. Spans in the arena it was gathered with. */
struct prospect {
    struct url url; /* without fragment and userinfo */
    struct arena *mem;
    struct span *seeds;
    size_t n_seeds, max_seeds;
    bool is_host_known;
    int64_t run_pages, robots_status;
    struct span backoff;
    struct span robots_outcome, robots_at, robots_body;
    bool is_robots_old;
    struct span
        changed; /* settings of the last run that differ from ours, "name value, ..." */
};

/* Reads it all, so that the database can be closed before processes are started. */
enum err prospect_gather(struct reader *r, const struct settings *s,
                         const struct url *u, struct arena *mem, struct prospect *out,
                         struct err_note *note) MUST_USE;

/* Prints the trail and the verdict; returns the exit code (0, or 3 when a parser could not be started). */
int prospect_explain(const struct settings *s, const struct prospect *p);
