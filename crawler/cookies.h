/* SPDX-License-Identifier: MIT */
/*
 * A cookie jar after RFC 6265 (RFC 6265bis where browsers moved on): host-only
 * and domain cookies, never for a public suffix, Path, Secure, expiry by
 * Max-Age and Expires, __Host- and __Secure- prefixes. In memory, bounded: 50
 * cookies a host, 10,000 in all, 4 KiB each. Single-threaded, does not suspend.
 */
#pragma once

#include "config/err.h"
#include "parse/url.h"

struct cookies;

/* An empty jar, or the cookies of a Netscape cookie file (NULL: none). ERR_USAGE names file and line. */
enum err cookies_open(const char *path, struct cookies **out, struct err_note *note) MUST_USE;
void cookies_close(struct cookies *c);

/* One Set-Cookie value that came from u; what is not allowed is ignored. Uses clock_wall_ms. */
void cookies_set(struct cookies *c, const struct url *u, struct span set_cookie);

/* The Cookie value for u, in mem; false when no cookie fits. Longer paths first, then older ones. */
bool cookies_header(struct cookies *c, const struct url *u, struct arena *mem, struct span *out);
