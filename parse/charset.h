/* SPDX-License-Identifier: MIT */
/*
 * Which encoding a body is in, and its text as UTF-8: the HTML standard's
 * encoding sniffing algorithm (13.2.3.2) and the Encoding standard's labels and
 * decoders. Precedence: byte order mark, Content-Type header, meta element in
 * the first 1024 bytes, XML declaration, a later meta element, the bytes
 * themselves, windows-1252. For XML types: byte order mark, header, XML
 * declaration, UTF-8 if it is that, meta element, the bytes, utf-8.
 *
 * Encodings are named as the Encoding standard names them, in lower case; the
 * names are static strings. UTF-7 and its like do not exist. Decoding cannot
 * fail on any bytes. Nothing here allocates but through the given buffers, opens
 * a file, keeps state or suspends.
 */
#pragma once

#include "config/buf.h"

struct charset_choice {
    const char *name; /* static */
    const char
        *source; /* static: "bom", "transport", "meta", "xml", "heuristic", "default" */
};

/*
 * The encoding of a label: ASCII white space around it and case do not matter
 * (Encoding standard, "get an encoding"). NULL when there is none.
 */
const char *charset_from_label(struct span label);

/*
 * Decides; always writes *out. content_type_header is the header's value, with
 * repeated headers joined by ", ", or empty.
 */
void charset_sniff(struct span body, struct span content_type_header,
                   struct charset_choice *out);

/*
 * Appends body as UTF-8 without its byte order mark, U+FFFD for each malformed
 * sequence (Encoding standard, "decode": a byte order mark overrules the name).
 * NUL stays. Up to three bytes come out for one, so out needs room for
 * 3 * body.len + 16 to be safe. ERR_INVALID for a name that is none,
 * ERR_TOO_LARGE, ERR_NO_MEMORY.
 */
enum err charset_to_utf8(struct span body, const char *name, struct buf *out) MUST_USE;

/*
 * As charset_to_utf8 but without copying where the body is its own decoding:
 * *out then is a part of body, else a view of scratch, which is emptied first.
 */
enum err charset_decode(struct span body, const char *name, struct buf *scratch,
                        struct span *out) MUST_USE;

/*
 * Appends well-formed UTF-8 text in the encoding, for the query of a URL. What
 * the encoding lacks becomes "%26%23NNNN%3B" (URL standard, "percent-encode
 * after encoding"); the caller percent-encodes the other bytes, and leaves '%'
 * alone. For url_query_encoder. ERR_INVALID for a name that is none,
 * ERR_TOO_LARGE, ERR_NO_MEMORY.
 */
enum err charset_encode_query(const char *name, struct span utf8,
                              struct buf *out) MUST_USE;
