/* SPDX-License-Identifier: MIT */
/*
 * `crawl extract`: fetches one page as a crawl would, robots.txt first and for
 * every host that a redirect leads to, and prints what the settings' extraction
 * rules find in it as one line of JSON.
 */
#pragma once

#include "config/settings.h"

/*
 * Sections of s without a url hold for every page; which of the others do is
 * decided by the address that answered. Returns the exit code: 0 printed, 1 the
 * page was not to be had (standard error says why), 2 usage, 3 could not be set up.
 */
int lookup_extract(const struct settings *s, const char *url);
