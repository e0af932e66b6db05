/* SPDX-License-Identifier: MIT */
/*
 * Microdata (HTML standard §5.2): items and their properties, gathered from a
 * page's tokens in one pass, without a tree. What ends an element whose end tag
 * was left out is decided for p, li, dt, dd, option and the parts of tables; the
 * rest is taken as it is tagged. itemref is not followed.
 *
 * A property's value is that of §5.2.4; an attribute content counts on every
 * element, because that is how pages are written. Text has its white space
 * collapsed. Limits: elements open at a time, items within items, items,
 * properties, bytes of a value and of all text; what is over them is left out,
 * and is_cut says so.
 *
 * Fed by parse/metadata.c. Everything lies in one arena. Linear in the input,
 * within those limits.
 */
#pragma once

#include "config/arena.h"
#include "parse/tokenizer.h"
#include "parse/url.h"

struct microdata;

/* base is what URLs are resolved against; it must stay. ERR_TOO_LARGE when mem is full. */
enum err microdata_new(const struct url *base, struct arena *mem,
                       struct microdata **out) MUST_USE;

/* Gives back what does not lie in the arena. */
void microdata_free(struct microdata *m);

/* The next token, in order; only starts, ends and text matter. ERR_TOO_LARGE, ERR_NO_MEMORY. */
enum err microdata_token(struct microdata *m, const struct token *tok) MUST_USE;

/* Ends what is open. How many items stand in no other? */
size_t microdata_finish(struct microdata *m);

/*
 * Appends the items as the list "items" of §5.2.8. Those that do not fit into
 * out's cap are left out. ERR_NO_MEMORY.
 */
enum err microdata_put(struct microdata *m, struct buf *out) MUST_USE;

/* Was something left out? */
bool microdata_is_cut(const struct microdata *m);
