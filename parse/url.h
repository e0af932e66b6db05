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
#include "config/buf.h"
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
    /*
     * Offsets into href. Without a host the four parts before the path are empty
     * and stand behind the scheme's ':', and "/." may follow them (url_pathname leaves it out).
     */
    uint32_t scheme_end;     /* index of ':' */
    uint32_t userinfo_start; /* behind "//" */
    uint32_t username_end;   /* index of ':' or '@', or userinfo_start without userinfo */
    uint32_t host_start;     /* behind '@' */
    uint32_t host_end;       /* index of the port's ':', or path_start */
    uint32_t path_start;
    uint32_t search_start; /* index of '?', or hash_start without a query */
    uint32_t hash_start;   /* index of '#', or href.len without a fragment */
    int32_t port;          /* -1: none or the scheme's default */
    bool has_host;         /* the standard's "host is not null" */
    bool has_opaque_path;
};

/*
 * Encodes a query string in the document's encoding before percent-encoding
 * (HTML standard, "encoding-parse a URL"). Appends bytes for the valid UTF-8
 * text to out, and "%26%23N%3B" (N in decimal) for a character N that the
 * encoding lacks; arg is the caller's. Only used for special schemes but ws and
 * wss. What it returns ends the parse.
 */
typedef enum err url_query_encoder(void *arg, struct span utf8, struct buf *out);

/*
 * Parses input (any bytes; broken UTF-8 is read as U+FFFD) against base, which
 * may be NULL. out->href lives in mem. ERR_INVALID where the standard returns
 * failure, or for a host over HOST_MAX_UNICODE_BYTES; ERR_TOO_LARGE over the arena's
 * cap or 4 GiB; ERR_NO_MEMORY. URL standard, "basic URL parser".
 */
enum err url_parse(struct span input, const struct url *base, struct arena *mem,
                   struct url *out) MUST_USE;

/* As url_parse with a document encoding for the query; encode may be NULL (UTF-8). */
enum err url_parse_encoded(struct span input, const struct url *base,
                           url_query_encoder *encode, void *arg, struct arena *mem,
                           struct url *out) MUST_USE;

/*
 * Takes an href that url_parse once produced (from the database, from another
 * part of this program) apart again without changing it; ERR_INVALID when
 * parsing it would change it. out->href is href itself, borrowed; mem is only
 * working room, and most URLs of the web need none. Errors as url_parse.
 */
enum err url_reparse(struct span href, struct arena *mem, struct url *out) MUST_USE;

/* Parts, as views of href. */
struct span url_protocol(const struct url *u); /* "https:" */
struct span url_username(const struct url *u);
struct span url_password(const struct url *u);
struct span url_host(const struct url *u); /* "example.com:8080", as the API's "host" */
struct span url_hostname(const struct url *u); /* "example.com", "[::1]" */
/* The hostname as url_normalize writes it: without the root's dot. A name with it is the same host. */
struct span url_site_hostname(const struct url *u);
struct span url_pathname(const struct url *u);
struct span url_search(const struct url *u); /* "?a=b", or empty also for a lone "?" */
struct span url_hash(const struct url *u);   /* "#x", or empty also for a lone "#" */
struct span url_target(const struct url *u); /* path and query as sent on the wire */

/* The port that would be dialled: explicit, else the scheme's default, else -1. */
int32_t url_port(const struct url *u);

/* Is the scheme http or https? */
static inline bool url_is_web(const struct url *u)
{
    return u->scheme <= URL_HTTPS;
}

/*
 * What is fetched and stored: the same URL without fragment and userinfo.
 * Borrows u's memory when there is no userinfo. ERR_TOO_LARGE over the arena's cap.
 */
enum err url_page(const struct url *u, struct arena *mem, struct url *out) MUST_USE;

/*
 * The key of "the same page": href without fragment and userinfo, unreserved
 * %XX decoded, hex digits upper case, characters that RFC 3986 does not allow
 * raw percent-encoded, an empty query dropped, a trailing dot of the host
 * dropped. Nothing else is folded. Borrows u's memory when only the fragment
 * goes. Parsing the key and normalising again gives the same key. ERR_TOO_LARGE
 * over the arena's cap, ERR_NO_MEMORY.
 */
enum err url_normalize(const struct url *u, struct arena *mem,
                       struct span *out) MUST_USE;
