/* SPDX-License-Identifier: MIT */
/*
 * The language between the pool and its parser processes: a job one way, an
 * answer the other. Numbers are little-endian and of fixed width, texts are
 * length-prefixed, lists are counted; docs/internals/wire.md has the layout.
 *
 * The decoder of answers is where a compromised parser would attack, so it
 * believes nothing: every length is held against what is left and against a
 * limit, every enum and flag against its values, every count against the bytes
 * that its items need at least, every text must be UTF-8 without NUL, every URL
 * printable ASCII, the id and the kind must be those of the job asked, and no
 * byte may be left over. It is linear in the length of the message, and what it
 * allocates is bounded by a small multiple of it. facts_json must be a JSON object,
 * a dictionary must be wanted, of the size and the id that were asked for.
 *
 * The encoder clips and cleans what it is given, so that an honest worker is
 * never taken for a liar. Pure; nothing here knows of processes.
 */
#pragma once

#include "config/arena.h"
#include "parse/job.h"

/* Changes with every change of the layout; the hello carries it, and so does each message. */
#define WIRE_VERSION             6u

#define WIRE_MAX_URL_BYTES       ((size_t)8 * 1024 + 1) /* so long: cut, the URL was longer */
#define WIRE_MAX_LINK_TEXT_BYTES ((size_t)1024)
/* rel, title, type ... of a link. */
#define WIRE_MAX_LINK_FIELD_BYTES ((size_t)1024)
/* title, description, robots_meta ... of a page; entry fields of a sitemap. */
#define WIRE_MAX_FIELD_BYTES ((size_t)16 * 1024)
#define WIRE_MAX_JSON_BYTES  ((size_t)1 << 20)
/* Rules and sitemap lines of a robots.txt; each takes at least two of its bytes. */
#define WIRE_MAX_RULES (ROBOTS_MAX_BYTES / 2)
/* What inspect commands and test commands answer. */
#define WIRE_MAX_INSPECT_BYTES ((size_t)32 << 20)
/* A request's parts together, but for an inline body. */
#define WIRE_MAX_REQUEST_BYTES ((size_t)512 * 1024)

/* What the answer to a job may hold; both sides derive it from the job alone. */
struct wire_limits {
    uint8_t kind;
    uint32_t max_links;
    size_t max_text_bytes;
    size_t max_body_bytes; /* of the packed body */
    size_t max_bytes;      /* of answer.bytes */
    uint32_t dictionary_id; /* that a new dictionary must bear; 0: none is wanted */
};

void wire_limits_of(const struct job *job, struct wire_limits *out);

/* Bytes that the encoded job takes. */
size_t wire_job_size(const struct job *job);
/* Into a region of n bytes. ERR_TOO_LARGE: no room, or parts over WIRE_MAX_REQUEST_BYTES. */
enum err wire_encode_job(const struct job *job, uint64_t id, void *region, size_t n,
                         size_t *out_len) MUST_USE;
/* The spans of *out are views of request. ERR_VERSION, ERR_CORRUPT, ERR_TOO_LARGE. */
enum err wire_decode_job(struct span request, struct job *out,
                         uint64_t *out_id) MUST_USE;

/* Into a region of n bytes. ERR_TOO_LARGE when it does not fit: nothing of it counts then. */
enum err wire_encode_answer(const struct answer *a, uint64_t id,
                            const struct wire_limits *limits, void *region, size_t n,
                            size_t *out_len) MUST_USE;

/*
 * As wire_encode_answer for an answer that is too large for the whole region:
 * body, text and bytes are left out, lists are cut where the room ends, and the
 * outcome says so (PARSE_REFUSED; DECODE_TOO_LARGE; is_cut). Always fits into 8 MiB.
 */
enum err wire_encode_cut_answer(const struct answer *a, uint64_t id,
                                const struct wire_limits *limits, void *region,
                                size_t n, size_t *out_len) MUST_USE;

/*
 * Checks and reads an answer to job id. The spans of *out are views of block,
 * arrays lie in mem. ERR_VERSION, ERR_CORRUPT, ERR_TOO_LARGE: the sender lies.
 * ERR_NO_MEMORY: mem gave out. *out is written only on success.
 */
enum err wire_decode_answer(struct span block, uint64_t id,
                            const struct wire_limits *limits, struct arena *mem,
                            struct answer *out) MUST_USE;
