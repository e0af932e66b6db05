/* SPDX-License-Identifier: MIT */
#include "crawler/outbox.h"

#include "config/clock.h"
#include "config/mem.h"

#define REFILL_BYTES   ((size_t)64 * MIB)
#define REFILL_LIMIT   ((size_t)512)
#define SMALL_OP_BYTES ((size_t)2 * MIB)

void outbox_submit(struct crawl *c, struct store_op *op)
{
    store_submit(c->store, op);
}

/*
 * What follows from a transaction comes with its last op, whatever that is. The kinds that name URLs themselves tell of
 * those first: a row that rose since has its depth of now in the extra items, and a part of the queue was read before
 * they were queued.
 */
static bool tells_extra_later(const struct store_op *op)
{
    return op->kind == STORE_VISIT || op->kind == STORE_OFFERS || op->kind == STORE_REFILL;
}

/* False when there was none. */
static bool collect_one(struct crawl *c)
{
    struct list_node done, *n;
    struct store_op *op;

    list_init(&done);
    store_take_done(c->store, 1, &done);
    n = list_take_first(&done);
    if (!n)
        return false;
    op = CONTAINER_OF(n, struct store_op, node);
    if (op->result && !c->stop)
        crawl_stop(c, STOP_STORE);
    if (!op->result && !tells_extra_later(op))
        outbox_learn_extra(c, op);
    op->on_done(op->arg, op);
    return true;
}

/* What follows from a commit is known before what follows from the next: a URL is queued once. */
void outbox_collect(struct crawl *c)
{
    while (!c->is_learning && collect_one(c))
        if (loop_is_late(c->loop)) {
            loop_wakeup_signal(c->store_wakeup); /* the rest in the next turn */
            break;
        }
    crawl_poke(c);
}

/*
 * A later link could still get these rows queued: the store must see it. Where this run's rules have nothing against
 * the URL itself, discover.c knows which links cannot.
 */
static bool may_change(const struct store_offer *o)
{
    if (o->state != STATE_EXCLUDED)
        return false;
    if (o->state_reason == REASON_KIND || o->state_reason == REASON_NOFOLLOW)
        return o->reason != REASON_KIND && o->reason != REASON_NOFOLLOW;
    return o->state_reason == REASON_DEPTH;
}

static struct host *host_of(struct crawl *c, const struct store_offer *o)
{
    struct store_origin origin = { o->host_id, o->is_https, o->host, o->port };

    return frontier_host(c->frontier, &origin, false);
}

/* Rows were queued for a host that is not asked any more in this run: they are parked like its others. */
static void park_again(struct crawl *c, struct host *h)
{
    if (h->state == HOST_PARKED && h->must_park_again)
        outbox_park(c, h);
}

void outbox_learn(struct crawl *c, const struct store_offer *o)
{
    struct store_item item;
    struct host *h;

    if (o->id && o->url.len && !may_change(o)) {
        struct known_entry entry = { o->id, o->state_depth,
                                     o->state == STATE_EXCLUDED ? o->state_reason
                                                                : REASON_NONE };

        known_put(c->known, o->url, &entry);
    }
    if (o->state != STATE_QUEUED ||
        (o->change != CHANGE_NEW && o->change != CHANGE_QUEUED))
        return;
    item = (struct store_item){ .id = o->id,
                                .host_id = o->host_id,
                                .url = o->url,
                                .depth = o->state_depth,
                                .priority = o->priority,
                                .redirects = o->redirects,
                                .hop = o->hop };
    h = host_of(c, o);
    frontier_add(c->frontier, h, &item);
    park_again(c, h);
}

void outbox_learn_extra(struct crawl *c, const struct store_op *op)
{
    for (size_t i = 0; i < op->n_extra; i++) {
        const struct store_item *item = &op->extra[i];
        struct store_origin origin = { item->host_id, item->is_https, item->host,
                                       item->port };
        struct host *h = frontier_host(c->frontier, &origin, true);

        frontier_add(c->frontier, h, item);
        if (op->extra_is_cut) /* there was more than could be told: the queue itself knows */
            frontier_reread(c->frontier, h);
        park_again(c, h);
    }
}

/* --- refills -------------------------------------------------------------------- */

static void on_refilled(void *arg, struct store_op *op)
{
    struct crawl *c = arg;
    struct host *h = frontier_find_host(c->frontier, op->u.refill.host_id);

    frontier_refilled(c->frontier, h, op->u.refill.items, op->u.refill.n_items,
                      !op->result && op->u.refill.has_more);
    if (!op->result)
        outbox_learn_extra(c, op);
    store_op_free(op);
}

void outbox_refill(void *arg, struct host *h, size_t room)
{
    struct crawl *c = arg;
    struct store_op *op = store_op_new(STORE_REFILL, REFILL_BYTES);

    op->u.refill.host_id = h->id;
    op->u.refill.order = (enum store_order)c->settings->order;
    op->u.refill.from_start = !h->has_cursor;
    op->u.refill.after_priority = h->cursor_priority;
    op->u.refill.after_depth = h->cursor_depth;
    op->u.refill.after_id = h->cursor_id;
    op->u.refill.limit = MIN(room, REFILL_LIMIT);
    op->on_done = on_refilled;
    op->arg = c;
    outbox_submit(c, op);
}

/* --- hosts ------------------------------------------------------------------------ */

struct park {
    struct crawl *c;
    struct host *h;
};

static void on_parked(void *arg, struct store_op *op)
{
    struct park *p = arg;

    p->h->is_parking = false;
    if (p->h->must_park_again && !op->result)
        outbox_park(p->c, p->h);
    mem_free(p);
    store_op_free(op);
}

void outbox_park(struct crawl *c, struct host *h)
{
    struct store_op *op;
    struct park *p;

    if (h->is_parking) {
        h->must_park_again = true;
        return;
    }
    h->is_parking = true;
    h->must_park_again = false;
    p = mem_alloc(sizeof *p);
    *p = (struct park){ c, h };
    op = store_op_new(STORE_HOST_PARK, SMALL_OP_BYTES);
    op->u.park.host_id = h->id;
    op->u.park.reason = h->park_reason;
    op->u.park.rule = arena_copy(&op->mem, h->park_rule);
    op->u.park.next_fetch_ms = h->park_until_ms;
    op->on_done = on_parked;
    op->arg = p;
    outbox_submit(c, op);
}

/* The answer to a save. */
static void learn_of_host(struct crawl *c, const struct store_op *op)
{
    struct host *h = frontier_find_host(c->frontier, op->u.host.host_id);

    if (op->result || !op->u.host.n_requeued)
        return;
    frontier_reread(c->frontier, h);
    park_again(c, h);
}

static void on_saved(void *arg, struct store_op *op)
{
    learn_of_host(arg, op);
    store_op_free(op);
}

static struct store_op *save_op(struct crawl *c, const struct host *h,
                                const struct store_host_state *robots)
{
    struct store_op *op = store_op_new(STORE_HOST_SAVE, SMALL_OP_BYTES);
    struct store_host_state *state = &op->u.host;

    if (robots) {
        *state = *robots;
        state->robots_body = arena_copy(&op->mem, robots->robots_body);
        state->robots_outcome = arena_copy(&op->mem, robots->robots_outcome);
        state->ip = arena_copy(&op->mem, robots->ip);
    }
    state->host_id = h->id;
    state->next_fetch_ms = h->site->next_at ? crawl_wall_of(c, h->site->next_at) : 0;
    state->backoff_until_ms =
        h->site->backoff_until ? crawl_wall_of(c, h->site->backoff_until) : 0;
    state->failures = h->site->failures;
    state->crawl_delay_ms = h->site->crawl_delay_ms;
    state->run_pages = h->run_pages;
    return op;
}

void outbox_save_host(struct crawl *c, const struct host *h,
                      const struct store_host_state *robots)
{
    struct store_op *op = save_op(c, h, robots);

    op->on_done = on_saved;
    op->arg = c;
    outbox_submit(c, op);
}

/* --- waiting ------------------------------------------------------------------------ */

struct wait {
    struct crawl *c;
    struct event done;
    bool is_abandoned;
};

static void on_waited(void *arg, struct store_op *op)
{
    struct wait *w = arg;

    if (w->is_abandoned) {
        mem_free(w);
        store_op_free(op);
        return;
    }
    if (op->kind == STORE_OFFERS && !op->result) {
        for (size_t i = 0; i < op->u.offers.n_offers; i++)
            outbox_learn(w->c, &op->u.offers.offers[i]);
        outbox_learn_extra(w->c, op);
    }
    event_set(&w->done);
}

enum err outbox_wait(struct crawl *c, struct store_op *op, deadline until)
{
    struct wait *w = mem_alloc(sizeof *w);
    enum err e;

    w->c = c;
    event_init(&w->done);
    op->on_done = on_waited;
    op->arg = w;
    outbox_submit(c, op);
    e = event_wait(&w->done, until);
    if (e) {
        w->is_abandoned = true;
        return e;
    }
    mem_free(w);
    return OK;
}

enum err outbox_save_robots(struct crawl *c, const struct host *h,
                            const struct store_host_state *robots)
{
    struct store_op *op = save_op(c, h, robots);
    enum err e = outbox_wait(c, op, DEADLINE_NEVER);

    if (e)
        return e;
    learn_of_host(c, op);
    e = op->result;
    store_op_free(op);
    return e;
}
