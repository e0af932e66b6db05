/* SPDX-License-Identifier: MIT */
/*
 * The features of a simhash (parse/digest.h) taken many at a time, with AVX-512: the same words
 * under the same hashes in the same order, so that the simhash is to the bit what parse/digest.c
 * finds one by one. They wait in a queue, which is worked off when it is full: a pass finds where
 * the words are, 64 bytes at a time; one hashes them, eight at a time; one weighs them; and one
 * counts their bits, for which a hash is a mask of the 64 counters. Nothing here allocates.
 */
#pragma once

#include "config/span.h"

/* A word's hash begins with FIRST; each character is xored into it, which is then multiplied by TIMES. */
#define DIGEST_FIRST UINT64_C(0xCBF29CE484222325)
#define DIGEST_TIMES UINT64_C(0x9E3779B97F4A7C15)

/* It is spread by what digest.c calls mix. */
#define DIGEST_MIX_1 UINT64_C(0xBF58476D1CE4E5B9)
#define DIGEST_MIX_2 UINT64_C(0x94D049BB133111EB)

/* A feature counts so often at most, as one of so many slots tells. */
#define DIGEST_MAX_WEIGHT 6
#define DIGEST_SLOTS      4096

/* The queue: no more features than a byte counts; letters enough that it is seldom they that fill it. */
#define DIGEST_WIDE_FEATURES 255
#define DIGEST_WIDE_LETTERS  2048

/* Large and not to be cleared: digest_wide_init sets what must be. What is stored 8, 32 or 64 at a time has room. */
struct digest_wide {
    uint32_t *counts;     /* how many features had each of the 64 bits set */
    uint8_t *seen;        /* by slot: how often its features were counted */
    uint32_t *n_features; /* in counts */
    size_t n, n_letters;  /* in the queue */

    /* What was read: letters in lower case, '0' for a run of digits, any other bytes between words. */
    char letters[DIGEST_WIDE_LETTERS + 2 * 64];
    /* Each feature: where a word's letters are, or its hash if that is given and from is to. */
    uint16_t from[DIGEST_WIDE_FEATURES + 9], to[DIGEST_WIDE_FEATURES + 9];
    uint64_t hash[DIGEST_WIDE_FEATURES + 9];
};

/* Is this a machine that can? All else here is for such. */
bool digest_wide_works(void);

/* Starts on a text. What it is to count into, all zeros now, belongs to the caller and must outlive w's use. */
void digest_wide_init(struct digest_wide *w, uint32_t counts[64], uint8_t seen[DIGEST_SLOTS],
                      uint32_t *n_features);

/* Puts a feature into the queue that is no ASCII word. hash is not mixed yet. */
void digest_wide_add(struct digest_wide *w, uint64_t hash);

/*
 * Puts the ASCII words that are whole into the queue, from p on, which is not inside a word.
 * Returns what follows those that it took, which is not inside a word either; p when it took
 * nothing, as the next word touches another character or is long.
 */
const char *digest_wide_read(struct digest_wide *w, const char *p, const char *end);

/* Counts what is in the queue, and empties it. */
void digest_wide_settle(struct digest_wide *w);

/* digest_simhash as it is without all this, on any machine. */
uint64_t digest_simhash_plain(struct span text);
