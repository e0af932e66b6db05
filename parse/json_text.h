/* SPDX-License-Identifier: MIT */
/*
 * JSON as text (RFC 8259): is it valid, where do its parts lie, and writing
 * strings. No values are built, so it costs no memory and one look at each
 * byte; what is inside a valid text is taken over as it stands.
 *
 * Stricter than many readers: UTF-8 only, one value and nothing behind it, no
 * comments, no bare words, no byte order mark, no halves of characters. Pure; nothing here recurses.
 */
#pragma once

#include "config/buf.h"
#include "config/span.h"

/* The deepest nesting of arrays and objects that any caller may ask for. */
#define JSON_TEXT_MAX_DEPTH 256

/* Is s one JSON value, white space around it allowed, nested at most max_depth deep? */
bool json_text_is_value(struct span s, unsigned max_depth);

/* The same, and the value is an object, nested at most JSON_TEXT_MAX_DEPTH deep. */
bool json_text_is_object(struct span s);

/* Appends valid JSON without the white space between its tokens. ERR_TOO_LARGE, ERR_NO_MEMORY. */
enum err json_text_put_compact(struct span json, struct buf *out) MUST_USE;

/* Appends text as a JSON string; text is UTF-8. ERR_TOO_LARGE, ERR_NO_MEMORY. */
enum err json_text_put_string(struct span text, struct buf *out) MUST_USE;

/*
 * The value of the first member of this name of an object, as written; SPAN_NONE
 * without one, or when object is none. The name is compared as written, so one
 * spelt with escapes is not found. object must be valid.
 */
struct span json_text_member(struct span object, struct span name);

/*
 * Takes the next element of an array. *rest is the whole array before the first
 * call. False at the end, or when it is no array. The array must be valid.
 */
bool json_text_next(struct span *rest, struct span *out);
