/* SPDX-License-Identifier: MIT */
/*
 * One Set-Cookie value, taken apart as browsers do (RFC 6265bis §5.6, §5.1.1).
 * Pure functions over outside bytes, linear in their length; every span is a
 * view of the value given. Whether a site may set such a cookie is decided by
 * the jar (crawler/cookies.h).
 */
#pragma once

#include "config/err.h"
#include "config/span.h"

/* Name and value together, in bytes; a longer cookie is ignored (§5.6 step 6). */
#define COOKIE_MAX_PAIR ((size_t)4096)

/* A longer attribute value is ignored (§5.6, step 6 of the second part). */
#define COOKIE_MAX_ATTRIBUTE ((size_t)1024)

/* Later expiry counts as this far from now (§5.5: 400 days). */
#define COOKIE_MAX_AGE_MS (INT64_C(400) * 86400 * 1000)

struct cookie_fields {
    struct span name, value; /* name may be empty, but not both */
    struct span domain;      /* without a leading dot, as written; empty: host-only */
    struct span path;        /* SPAN_NONE: the default path */
    bool has_expiry;         /* Max-Age or, without a valid one, Expires */
    int64_t expires_wall_ms; /* INT64_MIN: at once */
    bool is_secure;
};

/*
 * Reads a whole Set-Cookie field value. The last valid attribute of a name
 * counts; HttpOnly, SameSite and unknown attributes are skipped. ERR_INVALID when the
 * standard ignores the cookie: control bytes, neither name nor value, too long.
 */
enum err cookie_parse(struct span set_cookie, int64_t now_wall_ms,
                      struct cookie_fields *out) MUST_USE;

/* The cookie-date of Expires (RFC 6265 §5.1.1), far more lenient than HTTP-date. ERR_INVALID. */
enum err cookie_date(struct span text, int64_t *out_wall_ms) MUST_USE;
