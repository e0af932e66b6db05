/* SPDX-License-Identifier: MIT */
/*
 * Stored bodies, for commands that read a database: one parser process, asked
 * from the main stack. What is stored came from outside and the file may be
 * anybody's, so nothing of it is unpacked or parsed here.
 */
#pragma once

#include "crawler/pool.h"
#include "store/reader.h"

struct unpacker {
    struct loop *loop;
    struct sched *sched;
    struct bodies *bodies;
    struct pool *pool;
    struct reader *
        reader; /* of the file, the caller's; has the dictionaries that its bodies need */
};

/*
 * Opens it all; pool_start_zygote comes first. u is zeroed but for the reader, which
 * may come later, before the first body. On error the note says
 * what, and unpacker_close is still due. Errors of pool_open.
 */
enum err unpacker_open(struct unpacker *u, struct err_note *note) MUST_USE;
/* Also of a zeroed one. */
void unpacker_close(struct unpacker *u);

/* The body as it was decoded; it fails in the parser where its dictionary is missing.
 * Does not suspend: the loop turns until the job is ready.
 * The caller frees *out with pool_job_free. ERR_CLOSED. */
enum err unpacker_unpack(struct unpacker *u, struct span packed, int64_t size,
                         struct pool_job **out) MUST_USE;

/* A stored page. */
struct unpacker_page {
    struct span url, content_type;
    struct span codec, data; /* as in the table bodies */
    int64_t size;
};

/* The page's text as a reader sees it, at most max_text bytes. Otherwise as unpacker_unpack. */
enum err unpacker_text(struct unpacker *u, const struct unpacker_page *page,
                       size_t max_text, struct pool_job **out) MUST_USE;
