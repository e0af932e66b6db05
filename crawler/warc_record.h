/* SPDX-License-Identifier: MIT */
/*
 * One record of a WARC/1.1 file (ISO 28500:2017): its named fields, and the
 * block behind them. Here it is put together in memory, but for the payload,
 * which is only pointed at; crawler/warc.c puts it into a file.
 *
 * No named field is repeated (the standard allows that for WARC-Concurrent-To
 * only): the standard's digest fields hold SHA-1 in base32, as readers expect,
 * and SHA-256 stands in an extension field X-Crawl-Payload-Digest, in the form
 * of fetches.sha256.
 */
#pragma once

#include "config/buf.h"
#include "config/err.h"
#include "config/span.h"
#include "parse/digest_sum.h"

enum warc_record_type {
    WARC_RECORD_INFO,
    WARC_RECORD_REQUEST,
    WARC_RECORD_RESPONSE,
    WARC_RECORD_REVISIT,
    WARC_RECORD_METADATA,
};

/* "<urn:uuid:01234567-89ab-cdef-0123-456789abcdef>" with its NUL. */
#define WARC_RECORD_ID_SIZE 48
/* "sha1:" and 32 base32 characters, with a NUL. */
#define WARC_RECORD_DIGEST_SIZE 38

/* A new random id (RFC 9562, version 4). */
void warc_record_new_id(char out[WARC_RECORD_ID_SIZE]);

/* "sha1:BASE32" of the pieces. ERR_UNSUPPORTED. */
enum err warc_record_digest(struct digest_sum *sum, const struct span *pieces, size_t n,
                            char out[WARC_RECORD_DIGEST_SIZE]) MUST_USE;

struct warc_record {
    enum warc_record_type type;
    const char *id;             /* warc_record_new_id */
    int64_t date_ms;            /* when the request began */
    struct span target_uri, ip; /* empty: left out, as all spans and pointers below */
    const char *concurrent_to, *warcinfo_id;
    const char *file_name; /* of a warcinfo record */
    const char *truncated; /* "length", "time", "disconnect", "unspecified" */
    const char *protocol;  /* spoken on the wire: "http/1.1", "h2" */
    const char *profile;   /* of a revisit */
    struct span refers_to_uri;
    int64_t refers_to_date_ms; /* 0: none */
    const char *payload_digest;
    struct span payload_sha256; /* 32 bytes */
    struct span content_type;   /* of the block */
    struct span block_head;     /* the block: these bytes ... */
    struct span payload;        /* ... and these behind them */
};

/*
 * Appends the version line, the named fields and the blank line. ERR_UNSUPPORTED,
 * ERR_TOO_LARGE, ERR_NO_MEMORY.
 */
enum err warc_record_format(const struct warc_record *r, struct digest_sum *sum,
                            struct buf *out) MUST_USE;

/*
 * Appends "name: value" and a line end; bytes that would end the line or are no text
 * become spaces.
 */
enum err warc_record_put_field(struct buf *out, const char *name,
                               struct span value) MUST_USE;
