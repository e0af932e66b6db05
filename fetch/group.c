/* SPDX-License-Identifier: MIT */
/*
 * Groups: the half of fetch/sched.h that spawns, joins and cancels. A value is
 * handed to a joiner at the moment its coroutine ends, so a joiner that timed
 * out or was cancelled before never takes one along.
 */
#include "config/mem.h"
#include "fetch/runtime.h"

/* Somebody suspended in a join; on that coroutine's stack. */
struct joiner {
    struct list_node node; /* in any_joiners or all_joiners */
    struct coro_waiter waiter;
    struct coro *which; /* NULL: the group ran empty */
    intptr_t value;
};

static intptr_t take_value(struct coro *c)
{
    intptr_t value = c->value;

    list_remove(&c->group_node);
    sched_free_coro(c);
    return value;
}

static void drop_values(struct group *g)
{
    while (!list_is_empty(&g->done))
        (void)take_value(CONTAINER_OF(g->done.next, struct coro, group_node));
}

/* The joiner does not run before we return, so its fields may follow the wake. */
static bool give(struct joiner *j, struct coro *c)
{
    if (!coro_wake(j->waiter, 0))
        return false;
    j->which = c;
    j->value = c->value;
    return true;
}

static bool give_to_any(struct group *g, struct coro *c)
{
    struct list_node *n;

    for (n = list_take_first(&g->any_joiners); n; n = list_take_first(&g->any_joiners))
        if (give(CONTAINER_OF(n, struct joiner, node), c))
            return true;
    return false;
}

static void wake_all(struct list_node *joiners)
{
    struct list_node *n;

    for (n = list_take_first(joiners); n; n = list_take_first(joiners))
        (void)coro_wake(CONTAINER_OF(n, struct joiner, node)->waiter, 0);
}

void group_finish_member(struct coro *c)
{
    struct group *g = c->group;
    struct joiner *j = c->joiner;

    c->joiner = NULL;
    g->n_live--;
    list_remove(&c->group_node);
    if (g->is_detached || (j && give(j, c)) || give_to_any(g, c))
        sched_free_coro(c);
    else
        list_add_last(&g->done, &c->group_node);
    if (g->n_live)
        return;
    wake_all(&g->all_joiners);
    wake_all(&g->any_joiners);
}

/* Every call that may suspend notices a cancel, even when it would not have to wait. */
static enum err check_caller(void)
{
    const struct coro *c = coro_current();

    BUG_IF(!c);
    return c->is_cancelled && !c->is_shielded ? ERR_CANCELLED : OK;
}

static enum err wait_in(struct list_node *joiners, struct joiner *me, deadline until)
{
    enum err e;

    me->waiter = coro_waiter_prepare();
    list_add_last(joiners, &me->node);
    e = coro_wait(me->waiter, until, NULL);
    list_remove(&me->node);
    return e;
}

struct group *group_new(struct sched *s, struct group *parent)
{
    struct group *g = mem_alloc(sizeof(*g));

    g->sched = s;
    list_init(&g->children);
    list_init(&g->sibling_node);
    list_init(&g->live);
    list_init(&g->done);
    list_init(&g->any_joiners);
    list_init(&g->all_joiners);
    if (parent) {
        list_add_last(&parent->children, &g->sibling_node);
        g->is_cancelled = parent->is_cancelled;
    }
    sched_count_group(s, 1);
    return g;
}

void group_free(struct group *g)
{
    if (!g)
        return;
    BUG_IF(g->n_live || !list_is_empty(&g->children));
    BUG_IF(!list_is_empty(&g->any_joiners) || !list_is_empty(&g->all_joiners));
    drop_values(g);
    list_remove(&g->sibling_node);
    sched_count_group(g->sched, -1);
    mem_free(g);
}

enum err group_spawn(struct group *g, const char *name, coro_fn *fn, void *arg,
                     struct coro **out)
{
    struct coro *c;
    enum err e;

    if (g->is_cancelled)
        return ERR_CANCELLED;
    e = sched_add_coro(g, name, fn, arg, &c);
    if (e)
        return e;
    list_add_last(&g->live, &c->group_node);
    g->n_live++;
    if (out)
        *out = c;
    return OK;
}

enum err group_join(struct group *g, deadline until)
{
    enum err e = check_caller();

    BUG_IF(coro_current()->group == g); /* would wait for itself */
    while (!e && g->n_live) {
        struct joiner me = { 0 };

        e = wait_in(&g->all_joiners, &me, until);
    }
    if (!e)
        drop_values(g);
    return e;
}

enum err group_join_one(struct group *g, struct coro *c, deadline until, intptr_t *out)
{
    struct joiner me = { 0 };
    enum err e = check_caller();

    BUG_IF(c->group != g || c == coro_current() || g->is_detached);
    BUG_IF(c->joiner && coro_waiter_is_open(c->joiner->waiter));
    if (e)
        return e;
    if (c->state == CORO_DONE) {
        *out = take_value(c);
        return OK;
    }
    me.waiter = coro_waiter_prepare();
    /* cppcheck-suppress autoVariables; taken back below */
    c->joiner = &me;
    e = coro_wait(me.waiter, until, NULL);
    if (c->joiner == &me)
        c->joiner = NULL;
    if (!e)
        *out = me.value;
    return e;
}

enum err group_join_any(struct group *g, deadline until, struct coro **out_which,
                        intptr_t *out)
{
    struct joiner me = { 0 };
    enum err e = check_caller();

    if (e)
        return e;
    if (!list_is_empty(&g->done)) {
        me.which = CONTAINER_OF(g->done.next, struct coro, group_node);
        me.value = take_value(me.which);
    } else {
        e = g->n_live ? wait_in(&g->any_joiners, &me, until) : ERR_NOT_FOUND;
        if (!e && !me.which)
            e = ERR_NOT_FOUND;
    }
    if (e)
        return e;
    if (out_which)
        *out_which = me.which;
    *out = me.value;
    return OK;
}

void group_cancel(struct group *g)
{
    g->is_cancelled = true;
    LIST_EACH(n, &g->live)
        coro_cancel(CONTAINER_OF(n, struct coro, group_node));
    LIST_EACH(n, &g->children)
        group_cancel(CONTAINER_OF(n, struct group, sibling_node));
}

enum err group_cancel_and_join(struct group *g, deadline until)
{
    struct coro *c = coro_current();
    enum err e;

    BUG_IF(!c || c->is_shielded);
    group_cancel(g);
    c->is_shielded = true;
    e = group_join(g, until);
    c->is_shielded = false;
    return e;
}

size_t group_count(const struct group *g)
{
    return g->n_live;
}

void group_set_detached(struct group *g)
{
    BUG_IF(g->n_live || !list_is_empty(&g->done));
    g->is_detached = true;
}
