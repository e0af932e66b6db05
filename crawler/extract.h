/* SPDX-License-Identifier: MIT */
/*
 * The extraction rules of the settings, made ready: expressions checked once at
 * the start, URL patterns compiled, each section's rules written as a parser
 * process will read them. For a page the sections that match are joined; most
 * pages match none and cost a look at each pattern. Nothing here suspends.
 */
#pragma once

#include "config/arena.h"
#include "config/settings.h"

struct extract;

/*
 * Checks and prepares s->extracts; a section without a url holds for every
 * page. ERR_USAGE: the note names the place ("crawl.conf:12"), the pattern or
 * expression and what is wrong; ERR_NO_MEMORY.
 */
enum err extract_open(const struct settings *s, struct extract **out,
                      struct err_note *note) MUST_USE;
void extract_close(struct extract *x);

/*
 * What a job for the page at url carries as its rules (parse/job.h): those of
 * every section that matches, in mem; SPAN_NONE when none does. One whose pattern
 * takes too long over url does not match. x may be NULL.
 */
struct span extract_rules_for(struct extract *x, struct span url, struct arena *mem);

/* A section of which that is so and was not told yet; its name lives as the settings do. NULL: none. x may be NULL. */
const char *extract_tells_undecided(struct extract *x);
