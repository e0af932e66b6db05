/* SPDX-License-Identifier: MIT */
/*
 * A cookie jar after RFC 6265 (RFC 6265bis where browsers moved on): host-only
 * and domain cookies, never for a public suffix, Path, Secure, expiry by
 * Max-Age and Expires, __Host- and __Secure- prefixes. In memory, bounded: 50
 * cookies a host, 500 a registrable domain, 10,000 in all, 4 KiB each; beyond
 * that expired ones go, then those not used for longest. Single-threaded, does
 * not suspend.
 *
 * SameSite is not looked at: a crawler's requests all count as the user's own.
 * Values are secrets: they are never logged and are wiped when freed.
 */
#pragma once

#include "config/err.h"
#include "parse/url.h"

struct cookies;

/* The most bytes one Cookie header gets; cookies beyond that stay at home. */
#define COOKIES_MAX_HEADER ((size_t)16 * 1024)

/*
 * An empty jar, or the cookies of a Netscape cookie file (NULL: none). ERR_USAGE
 * names file and line. Uses clock_wall_ms; cookies that have expired are left out.
 */
enum err cookies_open(const char *path, struct cookies **out,
                      struct err_note *note) MUST_USE;

/* NULL is fine. */
void cookies_close(struct cookies *c);

/* One Set-Cookie value that came from u. False: it is not allowed, or has expired. Uses clock_wall_ms. */
bool cookies_set(struct cookies *c, const struct url *u, struct span set_cookie);

/*
 * The Cookie value for u, in mem; false when no cookie fits (or mem is too
 * small). Longer paths first, then older ones (RFC 6265 §5.4).
 */
bool cookies_header(struct cookies *c, const struct url *u, struct arena *mem,
                    struct span *out);

/* Cookies held, expired ones that nobody noticed yet included. */
size_t cookies_count(const struct cookies *c);
