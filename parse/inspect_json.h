/* SPDX-License-Identifier: MIT */
/*
 * Reading requests and writing answers of `crawl inspect` as JSON: the few
 * shapes that occur, over jansson. Absent, null and of the wrong type mean the
 * same. Used by the parse/inspect*.c files only.
 */
#pragma once

#include <jansson.h>

#include "config/arena.h"
#include "config/err.h"
#include "config/span.h"

/* The text of a field; may hold NUL. SPAN_NONE (ptr NULL) where there is none. Valid as long as o. */
struct span inspect_json_text(const json_t *o, const char *key);

/*
 * The bytes of key ("body": text) or of key_b64, decoded into mem. SPAN_NONE
 * without either. ERR_INVALID for what is no base64, ERR_TOO_LARGE.
 */
enum err inspect_json_bytes(const json_t *o, const char *key, const char *key_b64,
                            struct arena *mem, struct span *out) MUST_USE;

/*
 * A list of [name, value] as a raw header block in mem; entries of another
 * shape, and line breaks within, are left out. ERR_TOO_LARGE.
 */
enum err inspect_json_headers(const json_t *o, const char *key, struct arena *mem,
                              struct span *out) MUST_USE;

/* Sets a string; an empty or absent text is set as null when is_optional. */
void inspect_json_put(json_t *o, const char *key, struct span text, bool is_optional);

/* Sets a list of strings. */
void inspect_json_put_list(json_t *o, const char *key, const struct span *texts,
                           size_t n);
