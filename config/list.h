/* SPDX-License-Identifier: MIT */
/*
 * Intrusive doubly linked list, header only. A struct embeds a list_node; a
 * list_node also serves as the head, pointing at itself when empty. A node
 * that is in no list also points at itself, so list_remove may be repeated.
 */
#pragma once

#include "config/base.h"

struct list_node {
    struct list_node *prev, *next;
};

static inline void list_init(struct list_node *n)
{
    n->prev = n->next = n;
}

static inline bool list_is_empty(const struct list_node *head)
{
    return head->next == head;
}

/* Inserts n before at: at the end of the list when at is its head. */
static inline void list_add_before(struct list_node *at, struct list_node *n)
{
    n->prev = at->prev;
    n->next = at;
    at->prev->next = n;
    at->prev = n;
}

static inline void list_add_last(struct list_node *head, struct list_node *n)
{
    list_add_before(head, n);
}

static inline void list_add_first(struct list_node *head, struct list_node *n)
{
    list_add_before(head->next, n);
}

static inline void list_remove(struct list_node *n)
{
    n->prev->next = n->next; /* NOLINT(clang-analyzer-core.NullDereference): a list is a ring */
    n->next->prev = n->prev;
    list_init(n);
}

/* Takes the first node out, or NULL when the list is empty. */
static inline struct list_node *list_take_first(struct list_node *head)
{
    struct list_node *n = head->next;

    if (n == head)
        return NULL;
    list_remove(n);
    return n;
}

#define LIST_EACH(cursor, head)                                     \
    for (struct list_node *cursor = (head)->next; cursor != (head); \
         cursor = cursor->next)

/* The body may remove cursor from the list. */
#define LIST_EACH_SAFE(cursor, head)                                             \
    for (struct list_node *cursor = (head)->next, *cursor##_next = cursor->next; \
         cursor != (head); cursor = cursor##_next, cursor##_next = cursor->next)
