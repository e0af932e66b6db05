/* SPDX-License-Identifier: MIT */
/*
 * Hosts: the host parser of the WHATWG URL standard (domains through UTS #46
 * by ICU, IPv4 in every spelling, IPv6), and the registrable domain by libpsl
 * with the public suffix list compiled into it.
 *
 * A host is kept in its serialised form: a lower-case ASCII domain, dotted
 * decimal, or IPv6 in brackets. Knows nothing of URLs, DNS or addresses that
 * may be dialled. The two tables behind it (ICU's UTS #46 data, the suffix
 * list) are process-wide constants, opened once on first use by any thread.
 * Nothing here suspends.
 */
#pragma once

#include "config/arena.h"
#include "config/buf.h"
#include "config/err.h"
#include "config/span.h"

/*
 * The most bytes a domain outside ASCII may have. The standard sets no limit,
 * DNS stops at 253; UTS #46 and Punycode need quadratic time, so there must be
 * one. ICU has another: a thousand characters a label.
 */
#define HOST_MAX_UNICODE_BYTES 2048

/*
 * Parses a host of a special URL (percent-decoded first) or, with is_opaque,
 * of another one, and serialises it ("example.com", "127.0.0.1", "[::1]").
 * URL standard, "host parser". *out lives in mem. ERR_INVALID where the
 * standard returns failure, for an empty domain, and over HOST_MAX_UNICODE_BYTES
 * or ICU's limit; ERR_TOO_LARGE over the arena's cap; ERR_NO_MEMORY.
 */
enum err host_parse(struct span input, bool is_opaque, struct arena *mem,
                    struct span *out) MUST_USE;

/* As host_parse, appended to out, which may hold rubbish behind its old end after an error. */
enum err host_append(struct span input, bool is_opaque, struct buf *out) MUST_USE;

/*
 * An IP literal in a serialised host, in network order: 4 or 16 bytes written
 * and returned, or 0 for a name. Reads every spelling of IPv4 that host_parse
 * reads, so that a host of a non-special URL cannot hide an address.
 */
size_t host_literal(struct span host, unsigned char out[16]);

/*
 * The public suffix plus one label of a serialised host ("www.bbc.co.uk" gives
 * "bbc.co.uk"), a view of host; SPAN_NONE for IP literals, public suffixes,
 * single labels, empty labels and names longer than DNS allows. A trailing dot
 * is ignored and not part of the answer. URL standard, "registrable domain".
 */
struct span host_registrable(struct span host);

/*
 * As host_registrable for any text a user typed, which is parsed first (case,
 * IDNA). Text in ASCII gets its answer in ASCII, other text in Unicode. *out
 * lives in mem, SPAN_NONE when there is no registrable domain. ERR_INVALID
 * when text is no host; ERR_TOO_LARGE, ERR_NO_MEMORY as host_parse.
 */
enum err host_registrable_of_text(struct span text, struct arena *mem,
                                  struct span *out) MUST_USE;
