/* SPDX-License-Identifier: MIT */
/*
 * One question to one server, without a database: what `crawl robots` does.
 * It goes through the same fetcher, address guard and parser processes as a
 * crawl.
 */
#pragma once

#include "config/settings.h"

/*
 * Fetches and explains the robots.txt that governs url, on standard output.
 * Returns the exit code: 0 allowed, 1 disallowed, 2 usage, 3 could not be set up.
 */
int lookup_robots(const struct settings *s, const char *url);
