/* SPDX-License-Identifier: MIT */
/*
 * Intrusive binary min-heap keyed by an int64 (a moment, a priority). Equal
 * keys leave in the order in which they were added, so timers fire predictably
 * and hosts take turns. The heap holds pointers to nodes; it never owns them.
 */
#pragma once

#include "config/err.h"

struct heap_node {
    int64_t key;
    uint64_t order; /* of insertion; set by the heap */
    size_t slot;    /* 0 = in no heap, else index + 1 */
};

struct heap {
    struct heap_node **nodes;
    size_t len, cap;
    uint64_t next_order;
};

void heap_init(struct heap *h);

/* Frees the array, not the nodes. */
void heap_clear(struct heap *h);

/* n must be in no heap. Aborts when memory is out. O(log n). */
void heap_add(struct heap *h, struct heap_node *n, int64_t key);

/* Does nothing when n is in no heap. O(log n). */
void heap_remove(struct heap *h, struct heap_node *n);

/* Adds, or moves to a new key (and to the end among its equals). */
void heap_move(struct heap *h, struct heap_node *n, int64_t key);

/* The node with the smallest key, still in the heap, or NULL. */
static inline struct heap_node *heap_peek(const struct heap *h)
{
    return h->len ? h->nodes[0] : NULL;
}

static inline bool heap_has(const struct heap_node *n)
{
    return n->slot != 0;
}
