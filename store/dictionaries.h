/* SPDX-License-Identifier: MIT */
/*
 * The zstd dictionaries that stored bodies were packed with (parse/pack.h): a body's
 * frame names the one it needs by the id of its row. Rows are never changed.
 */
#pragma once

#include "config/buf.h"
#include "store/core.h"

/* Those of one file, as a reader wants them: the last one asked for is kept. */
struct dictionaries;

/* On handle, which must stay; the file may be hostile, and older than dictionaries. Heap. */
struct dictionaries *dictionaries_new(sqlite3 *handle);
/* NULL is fine. */
void dictionaries_free(struct dictionaries *d);

/*
 * The dictionary of this id; valid until the next call. ERR_NOT_FOUND: there is
 * none. ERR_CORRUPT: what is there is no zstd dictionary of that id, by its head.
 */
enum err dictionaries_find(struct dictionaries *d, uint32_t id,
                           struct span *out) MUST_USE;

/*
 * The newest sound one, in mem; where there is none, the id that a new one may
 * bear and no data, or id 0 when the ids are used up. The error is c->db->failed.
 */
enum err dictionaries_load(struct core *c, struct arena *mem,
                           struct store_dictionary *out);

/* STORE_DICTIONARY. */
enum err dictionaries_put(struct core *c, const struct store_dictionary *dictionary);
