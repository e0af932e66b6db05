/* SPDX-License-Identifier: MIT */
/*
 * Is a discovered URL ours? In this order:
 * scheme, length (of its host, too), scope, include/exclude, depth, trap. Pure apart from the set
 * of seeds, which grows when seeds are added or redirect.
 */
#pragma once

#include "config/settings.h"
#include "parse/url.h"
#include "store/vocab.h"

struct scope;

/* Longest URL taken, in bytes (PROMISES: 8 KiB). */
#define SCOPE_MAX_URL 8192

struct scope_verdict {
    enum url_reason reason; /* REASON_NONE: ours */
    struct span rule;       /* which rule said so; in mem */
};

/* Compiles the include and exclude patterns. ERR_USAGE names the bad one and the place in it. */
enum err scope_open(const struct settings *s, struct scope **out, struct err_note *note) MUST_USE;
void scope_close(struct scope *s);

/* A seed's host, domain or directory joins. True when that is news; of what is too long to be fetched it never is. */
bool scope_add_seed(struct scope *s, const struct url *seed);

/* A seed redirected there: its host joins (its domain, its directory). True when that is news. */
bool scope_add_redirect(struct scope *s, const struct url *target);

/*
 * Everything but depth and scheme-of-link; out->rule lives in mem. depth counts from the seeds. What a
 * pattern takes too long over is not fetched: an --exclude counts as one that matches, an --include as none.
 */
void scope_decide(struct scope *s, const struct url *u, int depth, struct arena *mem,
                  struct scope_verdict *out);

/* Was a pattern left undecided that was not so before? Each is told of once: quoted in mem, as in a rule. */
bool scope_tells_undecided(struct scope *s, struct arena *mem, struct span *out);

/* Can there be URLs of u's origin that are in scope, by --scope alone? */
bool scope_has_origin(const struct scope *s, const struct url *u, struct arena *mem);

/* "host:port" with 80 and 443 as one ("host"), the key of scope and politeness; in mem. */
struct span scope_site_key(struct span hostname, int32_t port, struct arena *mem);

/* The rule a path breaks, as a static phrase, or NULL. */
const char *scope_trap(struct span pathname, struct span search);
