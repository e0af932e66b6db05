/* SPDX-License-Identifier: MIT */
/*
 * Bodies for the store: one zstd frame each (RFC 8878), with its content size in
 * the header, and the id of the dictionary it needs where it was made with one. A
 * pack owns the library's contexts, is used for one body after the other and
 * belongs to one thread. Nothing here suspends.
 */
#pragma once

#include "config/buf.h"

/* Level 1 costs half of level 3 for nearly the same size on pages. */
#define PACK_LEVEL 1

/*
 * For one beyond 128 KiB the library keeps twice as many places at this level, which
 * saves more than what else a longer one holds; beyond 160 KiB nothing is gained.
 */
#define PACK_MAX_DICTIONARY_BYTES ((size_t)160 << 10)
/* Of those that RFC 8878 leaves to everybody, the first that a frame names in two bytes. */
#define PACK_FIRST_DICTIONARY_ID 32768u

struct pack;

/* ERR_NO_MEMORY. The caller owns *out. */
enum err pack_new(struct pack **out) MUST_USE;
void pack_free(struct pack *p); /* NULL is fine */

/*
 * Is this a zstd dictionary (RFC 8878, section 5) that names this id, which is not
 * 0, and not too long? Only its head is looked at. bytes may be hostile.
 */
bool pack_is_dictionary(struct span bytes, uint32_t id);

/* The id of the dictionary that packed needs; 0: none, or it is no frame. packed may be hostile. */
uint32_t pack_dictionary_id(struct span packed);

/*
 * From now on bodies are compressed with this dictionary, as far as the library
 * takes it, and frames that name it come back. id 0: without. bytes must stay until
 * the next call; the same id is taken for the same dictionary, so that naming it
 * again costs nothing. bytes may be hostile.
 */
void pack_set_dictionary(struct pack *p, uint32_t id, struct span bytes);

/*
 * Appends body compressed; a dictionary fixes the level at PACK_LEVEL.
 * ERR_TOO_LARGE, ERR_NO_MEMORY: out is as before.
 */
enum err pack_compress(struct pack *p, struct span body, int level,
                       struct buf *out) MUST_USE;

/*
 * Appends what packed holds, at most max_bytes of it. ERR_TOO_LARGE when it is
 * more, ERR_CORRUPT when it is no whole frame or has bytes behind it,
 * ERR_NOT_FOUND when it needs a dictionary that is not set or not sound,
 * ERR_NO_MEMORY: out is as before. packed may be hostile.
 */
enum err pack_decompress(struct pack *p, struct span packed, size_t max_bytes,
                         struct buf *out) MUST_USE;
