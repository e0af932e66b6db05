/* SPDX-License-Identifier: MIT */
/*
 * URLs after the WHATWG URL standard: parse, resolve against a base,
 * serialise, and the normalised key that decides "the same page".
 *
 * A struct url is one string, the serialisation (href), and offsets into it,
 * so copying the struct is free and every part is a span of href. This parser
 * alone decides scope, address policy, robots origin, storage key and what
 * libcurl is given; what it rejects is dropped (promise P24).
 *
 * Nothing here suspends, touches the network or keeps state.
 */
#pragma once

#include "config/arena.h"
#include "config/err.h"
#include "config/span.h"

/* "Special schemes" of the URL standard; only the first two are ever fetched. */
enum url_scheme {
    URL_HTTP,
    URL_HTTPS,
    URL_WS,
    URL_WSS,
    URL_FTP,
    URL_FILE,
    URL_OTHER,
};

struct url {
    struct span href;
    enum url_scheme scheme;
    /* Offsets into href; each part ends where the next begins (delimiters noted). */
    uint32_t scheme_end;   /* index of ':' */
    uint32_t username_end; /* = start of userinfo when there is none */
    uint32_t host_start;   /* behind '//' and '@' */
    uint32_t host_end;
    int32_t port;          /* -1: none or the scheme's default */
    uint32_t path_start;
    uint32_t search_start; /* index of '?', or fragment_start when there is no query */
    uint32_t hash_start;   /* index of '#', or href.len when there is no fragment */
    uint32_t userinfo_start; /* behind '//' */
    bool has_host;         /* "host is not null" */
    bool has_opaque_path;
};

/*
 * Encodes a query string in the document's encoding before percent-encoding
 * (HTML standard, "encoding-parse a URL"). Appends bytes for the UTF-8 text to
 * out; arg is the caller's. Only used for special schemes but ws and wss.
 */
typedef enum err url_query_encoder(void *arg, struct span utf8, struct buf *out);

/*
 * Parses input (any bytes; broken UTF-8 is read as U+FFFD) against base, which
 * may be NULL. out->href lives in mem. ERR_INVALID where the standard returns
 * failure; ERR_TOO_LARGE over the arena's cap or 4 GiB.
 */
enum err url_parse(struct span input, const struct url *base, struct arena *mem,
                   struct url *out) MUST_USE;

/* As url_parse with a document encoding for the query; encode may be NULL (UTF-8). */
enum err url_parse_encoded(struct span input, const struct url *base, url_query_encoder *encode,
                           void *arg, struct arena *mem, struct url *out) MUST_USE;

/*
 * Takes an href that url_parse once produced (from the database, from another
 * part of this program) apart again without changing it; ERR_INVALID when
 * parsing it would change it. out->href is href itself, borrowed.
 */
enum err url_reparse(struct span href, struct arena *mem, struct url *out) MUST_USE;

/* Parts, as views of href. */
struct span url_protocol(const struct url *u); /* "https:" */
struct span url_username(const struct url *u);
struct span url_password(const struct url *u);
struct span url_host(const struct url *u);     /* "example.com:8080", as the API's "host" */
struct span url_hostname(const struct url *u); /* "example.com", "[::1]" */
struct span url_pathname(const struct url *u);
struct span url_search(const struct url *u);   /* "?a=b", or empty also for a lone "?" */
struct span url_hash(const struct url *u);     /* "#x", or empty also for a lone "#" */
struct span url_target(const struct url *u);   /* path and query as sent on the wire */

/* The port that would be dialled: explicit, else the scheme's default, else -1. */
int32_t url_port(const struct url *u);

/* Is the scheme http or https? */
static inline bool url_is_web(const struct url *u)
{
    return u->scheme <= URL_HTTPS;
}

/*
 * What is fetched and stored: the same URL without fragment and userinfo.
 * Borrows u's memory when there is nothing to take away.
 */
enum err url_page(const struct url *u, struct arena *mem, struct url *out) MUST_USE;

/*
 * The key of "the same page": href without fragment and userinfo, unreserved
 * %XX decoded, hex digits upper case, characters that RFC 3986 does not allow
 * raw percent-encoded, an empty query dropped, a trailing dot of the host
 * dropped. Nothing else is folded. Borrows u's memory when nothing changes.
 */
enum err url_normalize(const struct url *u, struct arena *mem, struct span *out) MUST_USE;
