/* SPDX-License-Identifier: MIT */
/*
 * Secrets and who may see them (promise P23, P45): the lines of --auth-file,
 * each for exactly one origin; the hosts of the seeds, the only ones --header
 * goes to; and the cookie jar of --cookies, in memory, checked against the
 * public suffix list. Nothing here is ever logged or stored.
 */
#pragma once

#include "config/settings.h"
#include "parse/url.h"

struct credentials;

/* Reads the auth file and the cookie file. ERR_USAGE names file and line. */
enum err credentials_open(const struct settings *s, struct credentials **out,
                          struct err_note *note) MUST_USE;
void credentials_close(struct credentials *c);

void credentials_add_seed(struct credentials *c, const struct url *seed);

/* Same scheme, host and port as a seed's? */
bool credentials_is_seed_origin(const struct credentials *c, const struct url *u);

/* "Basic ..." for exactly this origin, in mem; false when there is none. */
bool credentials_authorization(const struct credentials *c, const struct url *u,
                               struct arena *mem, struct span *out);

/* The Cookie header's value for u, in mem; false when there is none. */
bool credentials_cookie(struct credentials *c, const struct url *u, struct arena *mem,
                        struct span *out);

/* Takes the Set-Cookie lines of an answer's raw headers into the jar. False: none was kept. */
bool credentials_keep_cookies(struct credentials *c, const struct url *u,
                              struct span headers);

/*
 * Raw headers as they may be recorded: names and attributes of cookies, not their values.
 * The headers themselves where there are none, else a copy in mem.
 */
struct span credentials_withhold_cookies(struct span headers, struct arena *mem);
