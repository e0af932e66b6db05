/* SPDX-License-Identifier: MIT */
#include "crawler/turns.h"

#include "config/clock.h"
#include "crawler/frontier.h"
#include "crawler/window.h"

void turns_init(struct turns *t)
{
    *t = (struct turns){ .round = 1 };
    heap_init(&t->waiting);
    heap_init(&t->due[0]);
    heap_init(&t->due[1]);
}

void turns_clear(struct turns *t)
{
    heap_clear(&t->waiting);
    heap_clear(&t->due[0]);
    heap_clear(&t->due[1]);
}

static void put(struct host *h, struct heap *in, int64_t key)
{
    if (h->turn.in)
        heap_remove(h->turn.in, &h->turn.node);
    h->turn.in = in;
    if (in)
        heap_add(in, &h->turn.node, key);
}

void turns_set(struct turns *t, struct host *h, deadline at, int64_t now_ns)
{
    bool is_due = h->turn.in && h->turn.in != &t->waiting;

    if (at == DEADLINE_NEVER)
        put(h, NULL, 0);
    else if (is_due ? at > now_ns : !h->turn.in || h->turn.node.key != at)
        put(h, &t->waiting, at);
}

static struct host *host_of(struct heap_node *n)
{
    return CONTAINER_OF(n, struct host, turn.node);
}

struct host *turns_next(struct turns *t, int64_t now_ns, deadline *out_wait)
{
    struct heap_node *n;

    for (n = heap_peek(&t->waiting); n && n->key <= now_ns; n = heap_peek(&t->waiting)) {
        struct host *h = host_of(n);
        const struct ticket *first = window_peek_first(h);

        put(h, &t->due[h->turn.round == t->round ? !t->now : t->now], first ? first->id : 0);
    }
    *out_wait = n ? n->key : DEADLINE_NEVER;
    if (!t->due[t->now].len && t->due[!t->now].len) {
        t->now = !t->now;
        t->round++;
    }
    n = heap_peek(&t->due[t->now]);
    return n ? host_of(n) : NULL;
}

void turns_take(struct turns *t, struct host *h)
{
    put(h, NULL, 0);
    h->turn.round = t->round;
}
