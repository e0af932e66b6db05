/* SPDX-License-Identifier: MIT */
#include "crawler/unpacker.h"

#define BODIES_BYTES \
    ((size_t)256 * MIB) /* address space; a packed body takes its size */
#define MAX_BODY       ((int64_t)64 * MIB) /* what a parser process can answer */
#define WORKER_MEMORY  (1 * GIB)
#define WORKER_JOBS    20000
#define JOB_TIMEOUT_MS 8000

enum err unpacker_open(struct unpacker *u, struct err_note *note)
{
    struct pool_options options = { .workers = 1,
                                    .window = 1,
                                    .job_timeout_ms = JOB_TIMEOUT_MS,
                                    .worker_memory_bytes = (size_t)WORKER_MEMORY,
                                    .recycle_after_jobs = WORKER_JOBS };
    enum err e = loop_open(&u->loop, note);
    if (!e)
        e = sched_open(u->loop, &u->sched, note);
    if (!e)
        e = bodies_open(BODIES_BYTES, &u->bodies, note);
    return e ? e : pool_open(u->sched, &options, u->bodies, &u->pool, note);
}

void unpacker_close(struct unpacker *u)
{
    if (u->pool) {
        pool_terminate(u->pool);
        pool_free(u->pool);
    }
    if (u->sched)
        sched_close(u->sched);
    loop_close(u->loop);
    bodies_close(u->bodies);
    *u = (struct unpacker){ 0 };
}

/* Where the dictionary is missing or damaged the parser says that it needs it. */
static enum err ask(struct unpacker *u, struct job *job, struct pool_job **out)
{
    enum err e = reader_dictionary(u->reader, job->inline_body, &job->dictionary_id,
                                   &job->inline_dictionary, NULL);

    if (e)
        job->dictionary_id = 0;
    e = pool_submit(u->pool, job, NULL, NULL, out);
    while (!e && !pool_job_is_ready(*out))
        loop_turn(u->loop, DEADLINE_NEVER);
    return e;
}

enum err unpacker_unpack(struct unpacker *u, struct span packed, int64_t size,
                         struct pool_job **out)
{
    int64_t wanted = MAX(size, 0), most = MIN(wanted, MAX_BODY);
    struct job job = { .kind = JOB_UNPACK,
                       .max_decoded_bytes = (uint64_t)most,
                       .inline_body = packed };

    return ask(u, &job, out);
}

enum err unpacker_text(struct unpacker *u, const struct unpacker_page *page,
                       size_t max_text, struct pool_job **out)
{
    int64_t size = MAX(page->size, 0), most = MIN(size, MAX_BODY);
    struct job job = { .kind = JOB_TEXT,
                       .url = page->url,
                       .content_type = page->content_type,
                       .product_token = SPAN("crawl"),
                       .max_decoded_bytes = (uint64_t)most,
                       .max_text_bytes = max_text,
                       .inline_body = page->data };

    return ask(u, &job, out);
}
