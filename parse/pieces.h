/* SPDX-License-Identifier: MIT */
/*
 * What a dictionary is to hold: the pieces of some samples that most others have,
 * too. Pieces are kept long, and those of one sample beside each other, because a
 * fast compressor knows only some places of a dictionary and goes on from there.
 * Nothing here suspends or keeps anything.
 */
#pragma once

#include "config/buf.h"

/* A sample is cut into pieces of so many bytes; its last one is shorter. */
#define PIECES_BYTES ((size_t)4 << 10)
/* Bytes that count as the same when another sample has all of them. */
#define PIECES_WORD_BYTES 8u

/*
 * Appends at most room bytes of the samples, which lie one behind the other, n of
 * them of these sizes: in their order, and only pieces that have something in common
 * with others. There may be none. ERR_TOO_LARGE, ERR_NO_MEMORY: out is as before. They
 * may be hostile: it takes 2 MiB and four times their bytes at most, and looks
 * at a piece once for each that is chosen at most, three times mostly.
 */
enum err pieces_choose(struct span samples, const size_t *sizes, size_t n, size_t room,
                       struct buf *out) MUST_USE;
