/* SPDX-License-Identifier: MIT */
#include "crawler/dispatch.h"

#include "config/clock.h"
#include "crawler/archive.h"
#include "crawler/ask.h"
#include "crawler/outbox.h"
#include "crawler/rescope.h"
#include "crawler/robots_gate.h"
#include "crawler/visit.h"

#define SPACE_CHECK_NS (10 * NS_PER_S)
#define PEAK_NS \
    (3 * NS_PER_S)          /* how long a level of requests in flight is remembered */
#define BURST         64    /* visits started before the loop gets its turn */
#define MAX_PREPARING 10000 /* hosts whose robots.txt is being read */
#define MAX_ASIDE     10000 /* requests that wait for busy addresses or the network */
#define SHED_AT_ONCE  16    /* transfers given up when memory for bodies runs out */

/* Has a budget of the run been used up? */
static enum stop_reason spent_budget(const struct crawl *c)
{
    const struct settings *s = c->settings;

    if (s->max_pages >= 0 && c->pages_done >= s->max_pages)
        return STOP_MAX_PAGES;
    if (s->max_bytes >= 0 && c->bytes_done >= s->max_bytes)
        return STOP_MAX_BYTES;
    if (loop_now(c->loop) >= c->stop_at)
        return STOP_MAX_TIME;
    return STOP_NONE;
}

/*
 * May one more request be made before more answers are committed? Answers that
 * arrive together (five thousand slow pages asked at the same moment) are
 * beyond the limit whatever we do; holding every start back until they are
 * stored would only make the next ones arrive together again. So what counts is
 * everything that is requested and not committed, against what was in flight a
 * moment ago and the limit on top.
 */
static bool has_commit_room(struct crawl *c)
{
    int64_t now = loop_now(c->loop);

    if (c->in_flight >= c->recent_peak || now - c->recent_peak_at > PEAK_NS) {
        c->recent_peak = c->in_flight;
        c->recent_peak_at = now;
    }
    return c->in_flight + c->answered < c->recent_peak + OUTBOX_LIMIT;
}

static bool has_room(struct crawl *c)
{
    const struct settings *s = c->settings;
    struct frontier_stats f;

    frontier_get_stats(c->frontier, &f);
    if (!c->permits.permits || !has_commit_room(c) || f.preparing >= MAX_PREPARING ||
        c->waiting_aside >= MAX_ASIDE || archive_is_full(c->archive))
        return false;
    if (s->max_pages >= 0 && c->pages_done + c->pages_reserved >= s->max_pages)
        return false;
    if (bodies_used(c->bodies) >=
        bodies_size(c->bodies) - bodies_size(c->bodies) / 16) {
        fetcher_shed(c->fetcher, SHED_AT_ONCE);
        return false;
    }
    return c->next_start_at <= loop_now(c->loop);
}

/* Starts one thing. False when nothing can be started now; *wait says until when. */
static bool start_one(struct crawl *c, deadline *wait)
{
    struct host *h;
    struct ticket *t;

    if (!has_room(c)) {
        *wait =
            c->next_start_at > loop_now(c->loop) ? c->next_start_at : DEADLINE_NEVER;
        return false;
    }
    switch (frontier_take(c->frontier, &h, &t, wait)) {
    case NEXT_NOTHING: return false;
    case NEXT_PREPARE: robots_gate_prepare(c, h); return true;
    case NEXT_VISIT:
        BUG_IF(!sem_try_enter(&c->permits));
        c->pages_reserved++;
        ask_pace(c);
        visit_start(c, t);
        return true;
    }
    return false;
}

static bool is_all_done(struct crawl *c)
{
    return frontier_is_idle(c->frontier) && c->n_tasks == 0 &&
           store_pending(c->store) == 0;
}

static deadline check_space(struct crawl *c, deadline next)
{
    struct store_op *op;

    if (loop_now(c->loop) < next)
        return next;
    op = store_op_new(STORE_SPACE, (size_t)4 * KIB);
    op->on_done = store_op_free_done;
    outbox_submit(c, op);
    return clock_after(loop_now(c->loop), SPACE_CHECK_NS);
}

/* Did the scope grow since what it excludes was decided about? Then that is done again, and there may be more to do. */
static bool has_more_in_scope(struct crawl *c)
{
    enum err e;

    if (!c->has_wider_scope)
        return false;
    c->has_wider_scope = false;
    e = rescope(c);
    if (e && !c->stop)
        crawl_stop(c, STOP_STORE);
    return true;
}

/* Until a stop is asked for or nothing is left. */
static void dispatch(struct crawl *c)
{
    deadline space_at = clock_after(loop_now(c->loop), SPACE_CHECK_NS);

    while (!c->stop) {
        deadline wait = DEADLINE_NEVER;
        enum stop_reason spent = spent_budget(c);
        int started = 0;

        if (spent) {
            crawl_stop(c, spent);
            break;
        }
        while (started < BURST && start_one(c, &wait))
            started++;
        space_at = check_space(c, space_at);
        if (started == BURST) {
            if (coro_yield())
                break;
            continue;
        }
        if (is_all_done(c)) {
            if (has_more_in_scope(c))
                continue;
            crawl_stop(c, STOP_FINISHED);
            break;
        }
        wait = MIN(wait, MIN(space_at, c->stop_at));
        if (waitq_wait(frontier_changed(c->frontier), wait) == ERR_CANCELLED)
            break;
    }
}

/* Everything under way ends or is cancelled; then the last ops are committed. */
static void drain(struct crawl *c)
{
    while (c->n_tasks > 0 || store_pending(c->store) > 0) {
        if (loop_now(c->loop) >= c->give_up_at) {
            if (c->n_tasks > 0)
                group_cancel(c->group);
            c->give_up_at =
                DEADLINE_NEVER; /* a moment that has passed would never let the loop turn */
        }
        if (waitq_wait(frontier_changed(c->frontier), c->give_up_at) == ERR_CANCELLED)
            break;
    }
}

intptr_t dispatch_main(void *arg)
{
    struct dispatch *d = arg;
    struct crawl *c = d->c;

    if (seeds_offer(c, d->seeds) == OK)
        dispatch(c);
    drain(c);
    sched_stop(c->sched);
    return 0;
}
