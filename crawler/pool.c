/* SPDX-License-Identifier: MIT */
#include "crawler/pool.h"

#include <string.h>

#include "config/clock.h"
#include "config/log.h"
#include "config/mem.h"
#include "crawler/crew.h"
#include "crawler/pool_job.h"
#include "fetch/sync.h"
#include "parse/wire.h"

/* A larger inline body travels through the body region. */
#define MAX_INLINE_BYTES ((size_t)256 << 10)
/* Answers between two looks at a parser's memory. */
#define MEMORY_CHECK_JOBS 256

struct pool {
    struct sched *sched;
    struct loop *loop;
    struct bodies *bodies;
    struct pool_options options;
    struct crew crew;
    struct list_node queue; /* not handed over yet, first come first served */
    struct list_node
        retries;             /* blamed once; each waits for a fresh parser of its own */
    struct list_node doomed; /* failed already; told so at the loop's next turn */
    struct loop_timer doom;
    struct tracker open_jobs;
    uint64_t next_job_id;
    bool is_closed, is_terminated;
    struct pool_stats stats;
    char sandbox[CHANNEL_HELLO_SIZE];
};

static void hand_out(struct pool *p);

/* ---- the end of a job ---- */

static void job_over(struct pool_job *j)
{
    struct pool *p = j->pool;

    list_remove(&j->node);
    j->state = JOB_OVER;
    if (j->failure != POOL_OK)
        p->stats.failed++;
    if (j->body.size_pages)
        bodies_free(p->bodies, &j->body);
    mem_free(j->request);
    j->request = NULL;
    tracker_done(&p->open_jobs);
    if (j->is_abandoned) {
        pool_job_destroy(j);
        return;
    }
    event_set(&j->over);
    if (j->on_done)
        j->on_done(j->arg, j);
}

static void job_fail(struct pool_job *j, enum pool_failure failure, const char *why)
{
    j->failure = failure;
    snprintf(j->detail, sizeof j->detail, "%s", why);
    job_over(j);
}

/* Fails a job on the loop, not on the stack of whoever is calling us. */
static void job_doom(struct pool_job *j, enum pool_failure failure, const char *why)
{
    j->failure = failure;
    j->state = JOB_QUEUED;
    snprintf(j->detail, sizeof j->detail, "%s", why);
    list_remove(&j->node);
    list_add_last(&j->pool->doomed, &j->node);
    loop_timer_set(j->pool->loop, &j->pool->doom, loop_now(j->pool->loop));
}

static void on_doom(void *arg)
{
    struct pool *p = arg;
    struct list_node now, *n;

    /* Only those here now: a callback may submit, and doom, another. */
    list_init(&now);
    list_add_before(&p->doomed, &now);
    list_remove(&p->doomed);
    while ((n = list_take_first(&now)) != NULL)
        job_over(CONTAINER_OF(n, struct pool_job, node));
}

static void doom_list(struct list_node *list, const char *why)
{
    struct list_node *n;

    while ((n = list_take_first(list)) != NULL)
        job_doom(CONTAINER_OF(n, struct pool_job, node), POOL_REFUSED, why);
}

/* ---- handing out ---- */

static struct pool_job *first_job(const struct parser *parser)
{
    if (list_is_empty(&parser->jobs))
        return NULL;
    return CONTAINER_OF(parser->jobs.next, struct pool_job, node);
}

/* The clock of the parser's first job starts now; its predecessor is through. */
static void start_clock(struct pool *p, struct parser *parser)
{
    deadline until = DEADLINE_NEVER;

    if (!list_is_empty(&parser->jobs))
        until = clock_after(loop_now(p->loop), p->options.job_timeout_ms * NS_PER_MS);
    parser_expect_by(parser, until, p->options.job_cpu_ms * NS_PER_MS);
}

static bool give(struct pool *p, struct parser *parser, struct pool_job *j)
{
    bool is_first = list_is_empty(&parser->jobs);

    if (parser_send(parser, span_make(j->request, j->request_len)))
        return false;
    list_remove(&j->node);
    list_add_last(&parser->jobs, &j->node);
    j->state = JOB_IN_WORK;
    p->stats.in_work++;
    if (is_first)
        start_clock(p, parser);
    return true;
}

static bool may_take(const struct pool *p, const struct parser *parser)
{
    return parser->state == PARSER_READY && !parser->is_alone && !parser->is_retiring &&
           channel_in_work(&parser->channel) < p->options.window;
}

static struct parser *least_loaded(struct pool *p)
{
    struct parser *best = NULL;

    for (size_t i = 0; i < p->crew.n_members; i++) {
        struct parser *candidate = crew_parser(&p->crew, i);

        if (may_take(p, candidate) && (!best || channel_in_work(&candidate->channel) <
                                                    channel_in_work(&best->channel)))
            best = candidate;
    }
    return best;
}

/* A second try runs alone, in a process that has seen no page before. */
static void place_retries(struct pool *p)
{
    bool is_one_coming = false;

    for (size_t i = 0; i < p->crew.n_members && !list_is_empty(&p->retries); i++) {
        struct parser *parser = crew_parser(&p->crew, i);
        struct pool_job *j = CONTAINER_OF(p->retries.next, struct pool_job, node);

        is_one_coming |= parser->state != PARSER_READY || parser->is_retiring;
        if (may_take(p, parser) && parser->n_handed == 0 && parser_is_alive(parser))
            parser->is_alone = give(p, parser, j);
    }
    /* Nobody fresh, and nobody about to be: one makes room when it is through. */
    if (!list_is_empty(&p->retries) && !is_one_coming) {
        struct parser *parser = least_loaded(p);

        if (parser) {
            parser->is_retiring = true;
            if (list_is_empty(&parser->jobs))
                parser_stop(parser);
        }
    }
}

static void hand_out(struct pool *p)
{
    if (!list_is_empty(&p->retries))
        place_retries(p);
    while (!list_is_empty(&p->queue)) {
        struct parser *parser = least_loaded(p);

        if (!parser ||
            !give(p, parser, CONTAINER_OF(p->queue.next, struct pool_job, node)))
            return;
    }
}

/* ---- what parsers report ---- */

static struct pool *pool_of(const struct parser *parser)
{
    return parser->owner;
}

static void on_ready(struct parser *parser)
{
    struct pool *p = pool_of(parser);

    p->stats.started++;
    crew_note_ready(&p->crew);
    memcpy(p->sandbox, parser->hello, sizeof p->sandbox);
    p->stats.sandbox = span_str(p->sandbox);
    hand_out(p);
}

/* Retires a parser that has done its share or has grown; it stops when it has nothing left. */
static void consider_recycling(struct pool *p, struct parser *parser)
{
    int64_t done =
        (int64_t)parser->n_handed - (int64_t)channel_in_work(&parser->channel);

    if (parser->state != PARSER_READY)
        return;
    if (done >= p->options.recycle_after_jobs ||
        (done % MEMORY_CHECK_JOBS == 0 &&
         parser_memory_bytes(parser) > p->options.worker_memory_bytes / 2))
        parser->is_retiring = true;
    if (parser->is_retiring && list_is_empty(&parser->jobs))
        parser_stop(parser);
}

static bool on_answer(struct parser *parser, struct span shared)
{
    struct pool *p = pool_of(parser);
    struct pool_job *j = first_job(parser);

    if (!j)
        return false;
    if (pool_job_read_answer(j, shared))
        return false;
    channel_taken(&parser->channel);
    list_remove(&j->node);
    p->stats.in_work--;
    parser->is_alone = false;
    start_clock(p, parser);
    job_over(j);
    consider_recycling(p, parser);
    hand_out(p);
    return true;
}

static void on_late(struct parser *parser, enum parser_cause why)
{
    first_job(parser)->has_overrun = why == PARSER_OVERRAN;
    parser_kill(parser, why);
}

static enum pool_failure failure_of(enum parser_cause cause)
{
    switch (cause) {
    case PARSER_NO_MEMORY: return POOL_OUT_OF_MEMORY;
    case PARSER_TIMED_OUT:
    case PARSER_OVERRAN: return POOL_TIMED_OUT;
    case PARSER_LIED: return POOL_LIED;
    case PARSER_TERMINATED: return POOL_REFUSED;
    case PARSER_DIED:
    case PARSER_NO_START:
    case PARSER_STOPPED: break;
    }
    return POOL_CRASHED;
}

static void describe(const struct pool *p, const struct parser *parser,
                     enum parser_cause cause, char *out, size_t n)
{
    char end[96];

    parser_describe_end(parser, end, sizeof end);
    switch (cause) {
    case PARSER_TIMED_OUT:
        snprintf(out, n, "no answer within %lld ms",
                 (long long)p->options.job_timeout_ms);
        return;
    case PARSER_OVERRAN:
        snprintf(out, n, "no answer within %lld ms of processor time",
                 (long long)p->options.job_cpu_ms);
        return;
    case PARSER_LIED: snprintf(out, n, "the parser's answer does not hold up"); return;
    case PARSER_NO_MEMORY:
        snprintf(out, n, "the parser needed more than %zu bytes",
                 p->options.worker_memory_bytes);
        return;
    case PARSER_TERMINATED: snprintf(out, n, "the parser pool was terminated"); return;
    case PARSER_NO_START:
        snprintf(out, n, "a parser process cannot start: %.200s",
                 parser->hello[0] ? parser->hello : end);
        return;
    case PARSER_DIED:
    case PARSER_STOPPED: break;
    }
    snprintf(out, n, "the parser died with %s", end);
}

static void report_victim(struct pool *p, const struct pool_job *j,
                          enum pool_failure failure, const char *why)
{
    struct pool_victim v = { .failure = failure, .why = why };
    struct job job;

    if (!p->options.on_victim || failure == POOL_REFUSED)
        return;
    pool_job_read_request(j, p->bodies, &job, &v.body);
    v.job = &job;
    p->options.on_victim(p->options.victim_arg, &v);
}

/* Once is tried again; twice, at the end of its own time, or with nobody waiting for it, is the end. */
static void blame(struct pool *p, struct pool_job *j, enum parser_cause cause,
                  const char *why)
{
    if (j->was_blamed || j->has_overrun || j->is_abandoned) {
        report_victim(p, j, failure_of(cause), why);
        job_fail(j, failure_of(cause), why);
        return;
    }
    j->was_blamed = true;
    j->state = JOB_QUEUED;
    p->stats.retried++;
    list_add_last(&p->retries, &j->node);
}

/* The first job is to blame; the others only waited behind it, and go back to the front. */
static void take_back_jobs(struct pool *p, struct parser *parser,
                           enum parser_cause cause, const char *why)
{
    struct pool_job *blamed = cause == PARSER_STOPPED ? NULL : first_job(parser);
    struct list_node *front = p->queue.next, *n;

    if (blamed)
        list_remove(&blamed->node);
    while ((n = list_take_first(&parser->jobs)) != NULL) {
        CONTAINER_OF(n, struct pool_job, node)->state = JOB_QUEUED;
        list_add_before(front, n);
        p->stats.in_work--;
    }
    if (blamed) {
        p->stats.in_work--;
        blame(p, blamed, cause, why);
    }
}

static void count_end(struct pool *p, const struct parser *parser,
                      enum parser_cause cause)
{
    p->stats.last_exit_code = parser->exit_code;
    p->stats.last_signal = parser->signo;
    if (cause == PARSER_STOPPED)
        p->stats.recycled++;
    else if (cause == PARSER_TIMED_OUT || cause == PARSER_OVERRAN ||
             cause == PARSER_LIED || cause == PARSER_TERMINATED)
        p->stats.killed++;
    else
        p->stats.died++;
}

static void on_gone(struct parser *parser, enum parser_cause cause)
{
    struct pool *p = pool_of(parser);
    char why[256];

    count_end(p, parser, cause);
    describe(p, parser, cause, why, sizeof why);
    if (cause != PARSER_STOPPED && cause != PARSER_TERMINATED)
        log_info("pool", cause == PARSER_LIED ? "worker-lied" : "worker-died", "%s",
                 why);
    crew_note_gone(&p->crew, parser, cause);
    take_back_jobs(p, parser, cause, why);
    if (crew_cannot_start(&p->crew) && !p->is_terminated) {
        doom_list(&p->queue, why);
        doom_list(&p->retries, why);
    }
    hand_out(p);
}

static const struct parser_events parser_events = { on_ready, on_answer, on_late,
                                                    on_gone };

/* ---- opening ---- */

static struct pool *new_pool(struct sched *s, const struct pool_options *o,
                             struct bodies *bodies)
{
    struct pool *p = mem_alloc(sizeof *p);
    struct worker_options w = { .bodies_fd = bodies ? bodies_fd(bodies) : -1,
                                .bodies_bytes = bodies ? bodies_size(bodies) : 0,
                                .memory_bytes = o->worker_memory_bytes,
                                .has_no_sandbox = o->has_no_sandbox,
                                .may_misbehave = o->may_misbehave };

    p->sched = s;
    p->loop = sched_loop(s);
    p->bodies = bodies;
    p->options = *o;
    p->options.window = MIN(MAX(o->window, (size_t)1), (size_t)CHANNEL_SLOTS);
    p->stats.workers = MAX(o->workers, (size_t)1);
    list_init(&p->queue);
    list_init(&p->retries);
    list_init(&p->doomed);
    tracker_init(&p->open_jobs);
    loop_timer_init(&p->doom, on_doom, p);
    crew_init(&p->crew, p->loop, p->stats.workers, &w, &parser_events, p);
    return p;
}

enum err pool_start_zygote(struct err_note *note)
{
    return zygote_start(note);
}

bool pool_zygote_main(int argc, char **argv, int *exit_code)
{
    return zygote_main(argc, argv, exit_code);
}

enum err pool_open(struct sched *s, const struct pool_options *o, struct bodies *bodies,
                   struct pool **out, struct err_note *note)
{
    struct pool *p = new_pool(s, o, bodies);
    enum err e = crew_open(&p->crew, note);

    if (e) {
        pool_terminate(p);
        pool_free(p);
        return e;
    }
    *out = p;
    return OK;
}

/* ---- ending ---- */

void pool_close(struct pool *p)
{
    p->is_closed = true;
}

enum err pool_drain(struct pool *p, deadline until)
{
    return tracker_wait(&p->open_jobs, until);
}

void pool_terminate(struct pool *p)
{
    static const char why[] = "the parser pool was terminated";

    p->is_closed = p->is_terminated = true;
    crew_kill(&p->crew);
    for (size_t i = 0; i < p->crew.n_members; i++)
        doom_list(&crew_parser(&p->crew, i)->jobs, why);
    p->stats.in_work = 0;
    doom_list(&p->queue, why);
    doom_list(&p->retries, why);
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    if (p->open_jobs.n_open)
        pool_terminate(p);
    p->is_terminated = true;
    crew_end(&p->crew);
    on_doom(p);
    BUG_IF(p->open_jobs.n_open);
    loop_timer_clear(p->loop, &p->doom);
    crew_clear(&p->crew);
    mem_free(p);
}

/* ---- jobs ---- */

/* A large inline body moves into the body region. */
static enum err place_body(struct pool *p, struct pool_job *j, struct job *job)
{
    enum err e;

    if (job->inline_body.len <= MAX_INLINE_BYTES)
        return OK;
    if (!p->bodies)
        return ERR_TOO_LARGE;
    e = bodies_append(p->bodies, &j->body, job->inline_body, job->inline_body.len);
    if (e)
        return e;
    job->region_offset = (uint64_t)j->body.offset_pages * BODIES_PAGE;
    job->region_len = j->body.len;
    job->inline_body = SPAN_NONE;
    return OK;
}

static enum err prepare(struct pool *p, struct pool_job *j, const struct job *given)
{
    struct job job = *given;
    enum err e = place_body(p, j, &job);
    size_t size;

    if (e)
        return e;
    wire_limits_of(&job, &j->limits);
    size = wire_job_size(&job);
    j->request = mem_try_alloc(size);
    if (!j->request)
        return ERR_NO_MEMORY;
    return wire_encode_job(&job, j->id, j->request, size, &j->request_len);
}

enum err pool_submit(struct pool *p, const struct job *job, pool_done_fn *on_done,
                     void *arg, struct pool_job **out)
{
    struct pool_job *j;
    enum err e;

    if (p->is_closed)
        return ERR_CLOSED;
    j = pool_job_new(p, ++p->next_job_id, on_done, arg);
    tracker_add(&p->open_jobs);
    p->stats.jobs++;
    *out = j;
    e = job->kind == JOB_MISBEHAVE && !p->options.may_misbehave ? ERR_UNSUPPORTED
                                                                : prepare(p, j, job);
    if (e) {
        char why[96];

        snprintf(why, sizeof why, "the job cannot be handed over: %s", err_text(e));
        job_doom(j, POOL_REFUSED, why);
        return OK;
    }
    list_add_last(&p->queue, &j->node);
    if (crew_cannot_start(&p->crew))
        doom_list(&p->queue, "no parser process can be started");
    else
        hand_out(p);
    return OK;
}

enum err pool_run(struct pool *p, const struct job *job, struct body_ref *body,
                  deadline until, struct pool_job **out)
{
    struct pool_job *j;
    struct job with_body = *job;
    enum err e;

    if (body && body->size_pages) {
        with_body.region_offset = (uint64_t)body->offset_pages * BODIES_PAGE;
        with_body.region_len = body->len;
        with_body.inline_body = SPAN_NONE;
    }
    e = pool_submit(p, &with_body, NULL, NULL, &j);
    if (e)
        return e;
    e = pool_job_wait(j, until);
    if (!e) {
        *out = j;
        return OK;
    }
    if (body && body->size_pages && !pool_job_is_ready(j)) {
        j->body = *body;
        *body = (struct body_ref){ 0 };
    }
    pool_job_free(j);
    return e;
}

void pool_job_free(struct pool_job *j)
{
    if (!j)
        return;
    if (j->state == JOB_OVER) {
        pool_job_destroy(j);
        return;
    }
    j->is_abandoned = true;
    /* Not handed over, or failed already: nobody looks at its body, so it can go at once. */
    if (j->state == JOB_QUEUED)
        job_over(j);
}

void pool_get_stats(const struct pool *p, struct pool_stats *out)
{
    struct pool_stats stats = p->stats;

    LIST_EACH(n, &p->queue)
        stats.queued++;
    LIST_EACH(n, &p->retries)
        stats.queued++;
    *out = stats;
}

int pool_worker_pid(const struct pool *p, size_t i)
{
    return i < p->crew.n_members ? (int)crew_parser(&p->crew, i)->pid : 0;
}
