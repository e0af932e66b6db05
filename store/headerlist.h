/* SPDX-License-Identifier: MIT */
/*
 * Header lines as they went over the wire, as a JSON list of [name, value] in
 * order (columns request_headers and headers of fetches).
 */
#pragma once

#include "config/buf.h"
#include "config/span.h"

/* A longer value is cut here; a longer block loses its last lines. */
#define HEADERLIST_MAX_VALUE ((size_t)8192)
#define HEADERLIST_MAX_BYTES ((size_t)512 * 1024)

/*
 * Appends the list. Lines end in LF or CRLF; those without a token and a colon
 * (the request line, the status line) are left out (RFC 9110 §5.1). Bytes that
 * are not UTF-8 are taken as ISO-8859-1 (RFC 9110 §5.5). ERR_NO_MEMORY.
 */
enum err headerlist_format(struct span lines, struct buf *out) MUST_USE;
