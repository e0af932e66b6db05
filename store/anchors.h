/* SPDX-License-Identifier: MIT */
/*
 * The texts of links, each stored once (table anchor): a site's menu gives the same hundred
 * texts on every page, and written out they were a tenth of a database.
 *
 * A bounded memory tells the number of a text; one that fell out of it gets a second
 * number, which costs a row and harms nobody. Texts of up to ANCHORS_SHORT bytes stay with
 * their link: a number takes as much. What no link names any more is removed at the end of a run,
 * once it is most of the table: by the link metrics, which read all links anyway, or by anchors_tidy.
 */
#pragma once

#include <stdatomic.h>

#include "store/core.h"

#define ANCHORS_SHORT ((size_t)3)

struct anchors;

/* Heap; the caller frees it. secret: no page can make its texts collide. */
struct anchors *anchors_new(uint64_t secret);
/* NULL is fine. */
void anchors_free(struct anchors *a);

/* What a text is known by; all zero where it is short. */
struct anchors_key {
    uint64_t tag, place;
};

/* After this call memory is being read that anchors_number will need; some others' keys go between. */
struct anchors_key anchors_key(const struct core *c, struct span text);

/* The number of the text with this key, written if it has none yet; 0: it is short, or c->db has failed. */
int64_t anchors_number(struct core *c, struct anchors_key key, struct span text);

/*
 * May there be texts that no link names? Not in the first run of a file as long as no page lost links. What a run
 * before this start removed is found at the next one's end.
 */
bool anchors_may_be_loose(const struct core *c);

/* Which numbers links name. */
struct anchors_used {
    uint64_t *bits;
    int64_t max_id, n;
};

/* For all numbers there are. ERR_NO_MEMORY. */
enum err anchors_used_init(struct core *c, struct anchors_used *out) MUST_USE;
void anchors_used_clear(struct anchors_used *u);
void anchors_used_add(struct anchors_used *u, int64_t id);

/* Removes the others once they are more. */
enum err anchors_prune(struct core *c, struct anchors_used *u);

/*
 * The same for a run without metrics, in the transaction that is open. All links are read for it, so only once the
 * table has twice the texts that were named when this was last looked at (meta.anchors_used). stop may be NULL.
 * *skipped is OK, or why it was left for another run: no memory, or told to stop. Errors: the database's.
 */
enum err anchors_tidy(struct core *c, const atomic_bool *stop, enum err *skipped) MUST_USE;
