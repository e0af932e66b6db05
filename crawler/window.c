/* SPDX-License-Identifier: MIT */
#include "crawler/window.h"

#include "config/mem.h"

static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

int window_compare(enum store_order order, int priority_a, int depth_a, int64_t id_a,
                   int priority_b, int depth_b, int64_t id_b)
{
    int by_priority = compare(priority_a, priority_b);
    int by_depth = compare(depth_a, depth_b);
    int by_id = compare(id_a, id_b);

    if (by_priority)
        return by_priority;
    if (order == ORDER_PRIORITY)
        return by_id;
    if (order == ORDER_DFS)
        return by_depth ? -by_depth : -by_id;
    return by_depth ? by_depth : by_id;
}

static struct ticket **slot(const struct host *h, size_t i)
{
    return &h->window[(h->head + i) & (h->cap - 1)];
}

static void grow(struct host *h)
{
    size_t cap = h->cap ? h->cap * 2 : 8;
    struct ticket **ring = mem_array(cap, sizeof(struct ticket *));

    for (size_t i = 0; i < h->len; i++)
        ring[i] = *slot(h, i);
    mem_free(h->window);
    h->window = ring;
    h->cap = cap;
    h->head = 0;
}

void window_insert(struct host *h, enum store_order order, struct ticket *t)
{
    size_t i;

    if (h->len == h->cap)
        grow(h);
    for (i = h->len; i > 0; i--) {
        struct ticket *before = *slot(h, i - 1);

        if (window_compare(order, before->priority, before->depth, before->id,
                           t->priority, t->depth, t->id) <= 0)
            break;
        *slot(h, i) = before;
    }
    *slot(h, i) = t;
    h->len++;
}

struct ticket *window_take_first(struct host *h)
{
    struct ticket *t;

    if (!h->len)
        return NULL;
    t = *slot(h, 0);
    h->head = (h->head + 1) & (h->cap - 1);
    h->len--;
    return t;
}

struct ticket *window_peek_first(const struct host *h)
{
    return h->len ? *slot(h, 0) : NULL;
}

struct ticket *window_peek_last(const struct host *h)
{
    return h->len ? *slot(h, h->len - 1) : NULL;
}

struct ticket *window_take_last(struct host *h)
{
    struct ticket *t = window_peek_last(h);

    if (t)
        h->len--;
    return t;
}

void window_remove(struct host *h, const struct ticket *t)
{
    size_t i = 0;

    while (i < h->len && *slot(h, i) != t)
        i++;
    BUG_IF(i == h->len);
    for (; i + 1 < h->len; i++)
        *slot(h, i) = *slot(h, i + 1);
    h->len--;
}
