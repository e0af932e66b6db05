/* SPDX-License-Identifier: MIT */
#include "crawler/pool_job.h"

#include "config/mem.h"

/* What decoding allocates is less than this many times the message; see parse/wire.h. */
#define ARENA_FACTOR 16
#define ARENA_SLACK  ((size_t)64 << 10)

struct pool_job *pool_job_new(struct pool *p, uint64_t id, pool_done_fn *on_done,
                              void *arg)
{
    struct pool_job *j = mem_alloc(sizeof *j);

    j->pool = p;
    j->id = id;
    j->on_done = on_done;
    j->arg = arg;
    list_init(&j->node);
    event_init(&j->over);
    arena_init(&j->mem, 0);
    return j;
}

void pool_job_destroy(struct pool_job *j)
{
    arena_clear(&j->mem);
    mem_free(j->request);
    mem_free(j);
}

static enum err lack_memory(struct pool_job *j)
{
    j->failure = POOL_OUT_OF_MEMORY;
    snprintf(j->detail, sizeof j->detail, "no memory for the parser's answer");
    return OK;
}

enum err pool_job_read_answer(struct pool_job *j, struct span shared)
{
    struct span copy;
    enum err e;

    /* A parser that died after a first try may have left a half-filled arena. */
    arena_clear(&j->mem);
    arena_init(&j->mem, shared.len * ARENA_FACTOR + ARENA_SLACK);
    if (arena_try_copy(&j->mem, shared, &copy))
        return lack_memory(j);
    e = wire_decode_answer(copy, j->id, &j->limits, &j->mem, &j->answer);
    return e == ERR_NO_MEMORY ? lack_memory(j) : e;
}

void pool_job_read_request(const struct pool_job *j, const struct bodies *b,
                           struct job *out, struct span *out_body)
{
    struct body_ref in_region = { .size_pages = 1 };
    uint64_t id;

    BUG_IF(wire_decode_job(span_make(j->request, j->request_len), out,
                           &id)); /* we wrote it */
    *out_body = out->inline_body;
    if (!out->region_len)
        return;
    in_region.offset_pages = (uint32_t)(out->region_offset / BODIES_PAGE);
    in_region.len = (size_t)out->region_len;
    *out_body = bodies_view(b, &in_region);
}

bool pool_job_is_ready(const struct pool_job *j)
{
    return j->state == JOB_OVER;
}

enum err pool_job_wait(struct pool_job *j, deadline until)
{
    return event_wait(&j->over, until);
}

enum pool_failure pool_job_failure(const struct pool_job *j, struct span *out_detail)
{
    BUG_IF(j->state != JOB_OVER);
    if (out_detail)
        *out_detail = span_str(j->detail);
    return j->failure;
}

const struct answer *pool_job_answer(const struct pool_job *j)
{
    BUG_IF(j->state != JOB_OVER || j->failure != POOL_OK);
    return &j->answer;
}
