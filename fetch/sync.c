/* SPDX-License-Identifier: MIT */
#include "fetch/sync.h"

#include "config/mem.h"

/*
 * One wait, on the waiting coroutine's stack. Whoever wakes it takes the node
 * out of its queue and may fill in the rest: the waiter runs only later.
 */
struct waiting {
    struct list_node node;
    struct coro_waiter waiter;
    void *item;  /* a sender's, or handed to a receiver */
    int64_t key; /* a sender's */
    bool is_served;
};

struct chan_slot {
    void *item;
    int64_t key;
    uint64_t order;
};

static enum err check_caller(void)
{
    const struct coro *c = coro_current();

    BUG_IF(!c);
    return coro_is_cancelled(c) ? ERR_CANCELLED : OK;
}

static enum err wait_in(struct waitq *q, struct waiting *me, deadline until)
{
    enum err e;

    me->waiter = coro_waiter_prepare();
    list_add_last(&q->waiters, &me->node);
    e = coro_wait(me->waiter, until, NULL);
    list_remove(&me->node);
    return e;
}

/* The first whose wait is still open, woken; NULL when there is none. */
static struct waiting *wake_first(struct waitq *q)
{
    struct list_node *n;

    for (n = list_take_first(&q->waiters); n; n = list_take_first(&q->waiters)) {
        struct waiting *w = CONTAINER_OF(n, struct waiting, node);

        if (coro_wake(w->waiter, 0))
            return w;
    }
    return NULL;
}

/* --- wait queue ----------------------------------------------------------------- */

void waitq_init(struct waitq *q)
{
    list_init(&q->waiters);
}

enum err waitq_wait(struct waitq *q, deadline until)
{
    struct waiting me = { 0 };

    return wait_in(q, &me, until);
}

void waitq_wake_one(struct waitq *q)
{
    (void)wake_first(q);
}

void waitq_wake_all(struct waitq *q)
{
    while (wake_first(q))
        continue;
}

bool waitq_is_empty(const struct waitq *q)
{
    return list_is_empty(&q->waiters);
}

/* --- event ------------------------------------------------------------------------- */

void event_init(struct event *e)
{
    waitq_init(&e->waiters);
    e->is_set = false;
}

void event_set(struct event *e)
{
    e->is_set = true;
    waitq_wake_all(&e->waiters);
}

enum err event_wait(struct event *e, deadline until)
{
    enum err refused = check_caller();

    if (refused || e->is_set)
        return refused;
    return waitq_wait(&e->waiters, until);
}

/* --- semaphore ------------------------------------------------------------------------ */

void sem_init_permits(struct sem *s, int64_t permits)
{
    BUG_IF(permits < 0);
    waitq_init(&s->waiters);
    s->permits = permits;
}

enum err sem_enter(struct sem *s, deadline until)
{
    enum err e = check_caller();

    if (e || sem_try_enter(s))
        return e;
    return waitq_wait(&s->waiters, until); /* woken: the permit is ours */
}

bool sem_try_enter(struct sem *s)
{
    if (s->permits == 0)
        return false;
    s->permits--;
    return true;
}

void sem_leave(struct sem *s)
{
    if (!wake_first(&s->waiters))
        s->permits++;
}

/* --- mutex ------------------------------------------------------------------------------ */

void mutex_init(struct mutex *m)
{
    sem_init_permits(&m->sem, 1);
    m->owner = NULL;
}

enum err mutex_lock(struct mutex *m, deadline until)
{
    enum err e;

    BUG_IF(m->owner && m->owner == coro_current());
    e = sem_enter(&m->sem, until);
    if (!e)
        m->owner = coro_current();
    return e;
}

void mutex_unlock(struct mutex *m)
{
    BUG_IF(!m->owner || m->owner != coro_current());
    /* Until the next owner runs there is none; the permit is on its way to it. */
    m->owner = NULL;
    sem_leave(&m->sem);
}

/* --- bounded channel ----------------------------------------------------------------------- */

void chan_init(struct chan *c, enum chan_order order, size_t cap)
{
    BUG_IF(cap == 0);
    *c = (struct chan){ .cap = cap, .order = order };
    c->slots = mem_array(cap, sizeof(struct chan_slot));
    waitq_init(&c->senders);
    waitq_init(&c->receivers);
}

void chan_clear(struct chan *c)
{
    BUG_IF(c->len || !waitq_is_empty(&c->senders) || !waitq_is_empty(&c->receivers));
    mem_free(c->slots);
    c->slots = NULL;
    c->cap = 0;
}

static bool goes_before(const struct chan_slot *a, const struct chan_slot *b)
{
    return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void sift_up(struct chan_slot *slots, size_t i)
{
    struct chan_slot moving = slots[i];

    while (i > 0 && goes_before(&moving, &slots[(i - 1) / 2])) {
        slots[i] = slots[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    slots[i] = moving;
}

/* slots[0] is free; puts moving where it belongs among the n. */
static void sift_down(struct chan_slot *slots, size_t n, struct chan_slot moving)
{
    size_t i = 0;

    for (size_t child = 1; child < n; child = 2 * i + 1) {
        if (child + 1 < n && goes_before(&slots[child + 1], &slots[child]))
            child++;
        if (!goes_before(&slots[child], &moving))
            break;
        slots[i] = slots[child];
        i = child;
    }
    slots[i] = moving;
}

static void put(struct chan *c, void *item, int64_t key)
{
    size_t at = c->order == CHAN_FIFO ? (c->head + c->len) % c->cap : c->len;

    c->slots[at] = (struct chan_slot){ item, key, c->next_order++ };
    c->len++;
    if (c->order == CHAN_PRIORITY)
        sift_up(c->slots, at);
}

static void *take(struct chan *c)
{
    void *item;

    c->len--;
    switch (c->order) {
    case CHAN_FIFO:
        item = c->slots[c->head].item;
        c->head = (c->head + 1) % c->cap;
        return item;
    case CHAN_PRIORITY:
        item = c->slots[0].item;
        if (c->len)
            sift_down(c->slots, c->len, c->slots[c->len]);
        return item;
    case CHAN_LIFO:
    default: return c->slots[c->len].item;
    }
}

bool chan_try_send(struct chan *c, void *item, int64_t key)
{
    struct waiting *receiver;

    if (c->is_closed || c->len == c->cap)
        return false;
    /* Receivers wait only while the channel is empty. */
    receiver = c->len ? NULL : wake_first(&c->receivers);
    if (receiver) {
        receiver->item = item;
        receiver->is_served = true;
    } else {
        put(c, item, key);
    }
    return true;
}

enum err chan_send(struct chan *c, void *item, int64_t key, deadline until)
{
    struct waiting me = { .item = item, .key = key };
    enum err e = check_caller();

    if (e)
        return e;
    if (c->is_closed)
        return ERR_CLOSED;
    if (chan_try_send(c, item, key))
        return OK;
    e = wait_in(&c->senders, &me, until);
    if (e)
        return e;
    return me.is_served ? OK : ERR_CLOSED;
}

bool chan_try_receive(struct chan *c, void **out)
{
    struct waiting *sender;

    if (c->len == 0)
        return false;
    *out = take(c);
    /* Senders wait only while the channel is full; a place is free now. */
    sender = wake_first(&c->senders);
    if (sender) {
        put(c, sender->item, sender->key);
        sender->is_served = true;
    }
    return true;
}

enum err chan_receive(struct chan *c, deadline until, void **out)
{
    struct waiting me = { 0 };
    enum err e = check_caller();

    if (e || chan_try_receive(c, out))
        return e;
    if (c->is_closed)
        return ERR_CLOSED;
    e = wait_in(&c->receivers, &me, until);
    if (e)
        return e;
    if (!me.is_served)
        return ERR_CLOSED;
    *out = me.item;
    return OK;
}

void chan_close(struct chan *c)
{
    c->is_closed = true;
    waitq_wake_all(&c->senders);
    waitq_wake_all(&c->receivers);
}

/* --- tracker ---------------------------------------------------------------------------------- */

void tracker_init(struct tracker *t)
{
    waitq_init(&t->waiters);
    t->n_open = 0;
}

void tracker_add(struct tracker *t)
{
    t->n_open++;
}

void tracker_done(struct tracker *t)
{
    BUG_IF(t->n_open <= 0);
    t->n_open--;
    if (t->n_open == 0)
        waitq_wake_all(&t->waiters);
}

enum err tracker_wait(struct tracker *t, deadline until)
{
    enum err e = check_caller();

    /* Again when work was added between the wake and our turn. */
    while (!e && t->n_open)
        e = waitq_wait(&t->waiters, until);
    return e;
}
