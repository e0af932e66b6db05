/* SPDX-License-Identifier: MIT */
/*
 * Hosts: the host parser of the WHATWG URL standard (domains through UTS #46
 * by ICU, IPv4 in every spelling, IPv6), and the registrable domain by libpsl.
 */
#pragma once

#include "config/arena.h"
#include "config/err.h"
#include "config/span.h"

/*
 * Parses a host of a special URL (percent-decoded first) or, with is_opaque,
 * of another one, and serialises it ("example.com", "127.0.0.1", "[::1]").
 * *out lives in mem. ERR_INVALID where the standard returns failure.
 */
enum err host_parse(struct span input, bool is_opaque, struct arena *mem, struct span *out) MUST_USE;

/* An IP literal in a serialised host, in network order: 4, 16, or 0 for a name. */
size_t host_literal(struct span host, unsigned char out[16]);

/*
 * The public suffix plus one label of a serialised host ("www.bbc.co.uk" gives
 * "bbc.co.uk"), a view of host; SPAN_NONE for IP literals, public suffixes and
 * single labels. A trailing dot is ignored.
 */
struct span host_registrable(struct span host);

/* As host_registrable for any text a user typed: parsed (IDNA, case) first, then in mem. */
enum err host_registrable_of_text(struct span text, struct arena *mem, struct span *out) MUST_USE;
