/* SPDX-License-Identifier: MIT */
/*
 * The back half of the general URL parser: "path start", "path", "opaque path",
 * "query" and "fragment" states of the URL standard, section 4.4. Internal to
 * parse/url_state.c. Pure; the errors are buf_append's and those of the
 * caller's query encoder.
 */
#pragma once

#include "parse/url_parser.h"

/* "Path start state": rest begins with the slash, if there is one. Reads to the end. */
enum err url_path_start(struct url_parser *p, struct span rest) MUST_USE;

/*
 * "Path state": rest begins with the first segment, behind its slash. The path
 * may hold segments of the base already, from u.path_start on. Reads to the end.
 */
enum err url_path_segments(struct url_parser *p, struct span rest) MUST_USE;

/* "Opaque path state". Reads to the end. */
enum err url_path_opaque(struct url_parser *p, struct span rest) MUST_USE;

/* What follows a path: rest is empty, or "?query", or "#fragment", or both. */
enum err url_path_tail(struct url_parser *p, struct span rest) MUST_USE;

/* As url_path_tail where the base's query stays: rest is empty or "#fragment". */
enum err url_path_keep_query(struct url_parser *p, struct span rest) MUST_USE;

/* "Shorten a url's path". */
void url_path_shorten(struct url_parser *p);
