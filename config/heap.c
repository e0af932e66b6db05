/* SPDX-License-Identifier: MIT */
#include "config/heap.h"

#include "config/mem.h"

void heap_init(struct heap *h)
{
    *h = (struct heap){ 0 };
}

void heap_clear(struct heap *h)
{
    mem_free(h->nodes);
    heap_init(h);
}

static bool goes_before(const struct heap_node *a, const struct heap_node *b)
{
    return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void put(struct heap *h, size_t i, struct heap_node *n)
{
    h->nodes[i] = n;
    n->slot = i + 1;
}

static void sift_up(struct heap *h, size_t i)
{
    struct heap_node *n = h->nodes[i];

    while (i > 0 && goes_before(n, h->nodes[(i - 1) / 2])) {
        put(h, i, h->nodes[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(h, i, n);
}

static void sift_down(struct heap *h, size_t i)
{
    struct heap_node *n = h->nodes[i];

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= h->len)
            break;
        if (child + 1 < h->len && goes_before(h->nodes[child + 1], h->nodes[child]))
            child++;
        if (!goes_before(h->nodes[child], n))
            break;
        put(h, i, h->nodes[child]);
        i = child;
    }
    put(h, i, n);
}

void heap_add(struct heap *h, struct heap_node *n, int64_t key)
{
    BUG_IF(n->slot);
    if (h->len == h->cap) {
        size_t cap = h->cap ? h->cap * 2 : 64;
        struct heap_node **grown = mem_array(cap, sizeof(struct heap_node *));

        for (size_t i = 0; i < h->len; i++)
            grown[i] = h->nodes[i];
        mem_free(h->nodes);
        h->nodes = grown;
        h->cap = cap;
    }
    n->key = key;
    n->order = h->next_order++;
    h->len++;
    put(h, h->len - 1, n);
    sift_up(h, h->len - 1);
}

void heap_remove(struct heap *h, struct heap_node *n)
{
    size_t i = n->slot - 1;
    struct heap_node *last;

    if (!n->slot)
        return;
    BUG_IF(i >= h->len || h->nodes[i] != n);
    n->slot = 0;
    last = h->nodes[--h->len];
    if (last == n)
        return;
    put(h, i, last);
    sift_up(h, i);
    sift_down(h, last->slot - 1);
}

void heap_move(struct heap *h, struct heap_node *n, int64_t key)
{
    heap_remove(h, n);
    heap_add(h, n, key);
}
