/* SPDX-License-Identifier: MIT */
/*
 * How near the stored links and redirects come to each URL: what deciding about a URL again has to know
 * where rules do not exclude it any more. Its row says why it was not asked for, not whether a link that
 * may be followed leads there at all: a form's target that was out of scope must not be asked for when
 * the scope grows. One pass over all links fills two bytes a URL.
 */
#pragma once

#include <stdatomic.h>

#include "store/core.h"

struct incoming;

/*
 * Under this start's options, as the open transaction sees the file. Heap; NULL when the database failed (in c->db), or
 * *stop became true; stop may be NULL. Of a file whose URLs have ids far apart, as others gave them, no link is known.
 */
struct incoming *incoming_read(struct core *c, const atomic_bool *stop);
/* NULL is fine. */
void incoming_free(struct incoming *in);

enum incoming_way {
    INCOMING_NONE,     /* no stored link leads there */
    INCOMING_KIND,     /* none that is followed, by its kind */
    INCOMING_NOFOLLOW, /* nor any other: their pages say nofollow, or they do */
    INCOMING_FOLLOWED,
};

#define INCOMING_DEEPEST ((int)UINT16_MAX - INCOMING_FOLLOWED) /* or more */

/* *out_depth is set with INCOMING_FOLLOWED: the smallest that a link or redirect gives it, INCOMING_DEEPEST at most. */
enum incoming_way incoming_nearest(const struct incoming *in, int64_t url_id, int *out_depth);

/* Was a URL with this hop met on a page first, so that the links say whether it may be asked for? */
bool incoming_decides(enum url_hop hop);
