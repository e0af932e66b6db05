/* SPDX-License-Identifier: MIT */
/*
 * A dictionary out of the bodies that pass: keeps the beginnings of the first
 * different ones, and when it has enough of them makes a zstd dictionary of what
 * they have in common (parse/pieces.h). Once: it never begins again. Belongs to one thread; nothing
 * here suspends.
 */
#pragma once

#include "config/buf.h"

/*
 * Bodies it wants at least, and how much of each.
 * Twice as many make stored bodies no smaller, half as many 3 % larger.
 */
#define TRAINER_SAMPLES      100
#define TRAINER_SAMPLE_BYTES ((size_t)32 << 10)
/* Of shorter ones it wants more, until it has so much of them; those under 1 KiB teach too little. */
#define TRAINER_BYTES        ((size_t)1 << 20)
#define TRAINER_LEAST_SAMPLE ((size_t)1 << 10)

struct trainer;

/* Heap; the caller frees it. */
struct trainer *trainer_new(void);
/* NULL is fine. */
void trainer_free(struct trainer *t);

/*
 * Shows it a body and its SHA-256; the same body counts once, a very short one not at
 * all. True when it has enough: trainer_make is due. False for ever after that, or
 * without memory.
 */
bool trainer_add(struct trainer *t, struct span body, const unsigned char sha256[32]);

/*
 * Appends the dictionary, bearing this id (parse/pack.h has the range). ERR_NOT_FOUND
 * when they have too little in common, or the library will not, ERR_TOO_LARGE, ERR_NO_MEMORY: out is as
 * before. Whatever it says, the samples are gone and there is no second time.
 */
enum err trainer_make(struct trainer *t, uint32_t id, struct buf *out) MUST_USE;

/* Nobody wants a dictionary (any more): the samples go. It may begin anew. */
void trainer_forget(struct trainer *t);
