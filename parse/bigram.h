/* SPDX-License-Identifier: MIT */
/*
 * Text for the full-text index. Its tokenizer cuts words at spaces and signs,
 * which Chinese, Japanese and Thai do not have between words; so runs of those
 * scripts (Han, Hiragana, Katakana, Thai) are written as overlapping pairs with
 * spaces between, set off from their neighbours by spaces. Everything else,
 * Korean too, stays as it is. "Tokyo東京都" becomes "Tokyo 東京 京都".
 *
 * The same function rewrites queries: in double quotes, the pairs of a word
 * make a phrase that finds exactly where the word stands. A query of a single
 * character stays single and needs FTS5's prefix form ('*') to find anything.
 *
 * A unit is one character with the marks that belong to it (Thai vowels and
 * tones, sound marks of half-width katakana).
 */
#pragma once

#include "config/buf.h"

/*
 * Appends utf8 rewritten. Bytes that are not UTF-8 are copied. At most three
 * times as many bytes come out. ERR_TOO_LARGE, ERR_NO_MEMORY: what was appended
 * before stays.
 */
enum err bigram_append(struct span utf8, struct buf *out) MUST_USE;

/*
 * What bigram_append would write, a piece at a time: takes the next one off *rest
 * and gives it as a view of the text itself, either a pair (or single) of a script
 * without spaces, or all that lies before the next such run. Pairs overlap: *rest
 * then begins with the second unit of the pair given. False at the end.
 */
struct bigram_walk {
    struct span rest;
    bool is_in_run; /* a pair was given, and rest begins with its second unit */
};
bool bigram_next(struct bigram_walk *w, struct span *out_piece, bool *out_is_unspaced);

/* Is this a character of a script without spaces between words? */
bool bigram_is_unspaced(uint32_t code_point);
