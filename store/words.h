/* SPDX-License-Identifier: MIT */
/*
 * Words as the full-text index has them: cut and folded by the very tokenizer
 * of page_text (unicode61), pairs for scripts without spaces (parse/bigram.h).
 * What is found in a text by these words is what a query on the index finds.
 */
#pragma once

#include "config/arena.h"
#include "config/err.h"

/* SQLite's FTS5 interface, which it hands out through a query with a bound pointer; NULL without. */
struct sqlite3;
struct fts5_api *words_api(struct sqlite3 *handle);

struct words;

/* ERR_UNSUPPORTED: this SQLite has no FTS5. handle must outlive *out. */
enum err words_open(struct sqlite3 *handle, struct words **out) MUST_USE;
void words_close(struct words *w); /* NULL is fine */

/*
 * SQLite's own call for each word of text as it stands (no pairs are looked for), folded, with its bytes in the text; a
 * result but 0 stops it. The last result, or an error of SQLite.
 */
typedef int words_fn(void *arg, int flags, const char *word, int n, int from, int to);
int words_cut(struct words *w, struct span text, words_fn *fn, void *arg) MUST_USE;

struct word {
    struct span folded; /* in the arena it was split into */
    size_t from, to;    /* its bytes in the text */
};

struct word_list {
    struct word *items; /* in the arena */
    size_t len, cap;
};

/* Appends the words of text, in order, with offsets into it. ERR_TOO_LARGE: the arena is full. */
enum err words_split(struct words *w, struct span text, struct arena *mem,
                     struct word_list *out) MUST_USE;
