/* SPDX-License-Identifier: MIT */
#include "crawler/rulebook.h"

#include "config/mem.h"

#define MAX_RULES_BYTES ((size_t)4 * MIB)
/* Of an origin without rules, in the arena's blocks. */
#define LEAST_BYTES ((size_t)1 * KIB)

struct rulebook {
    struct frontier *frontier;
    struct list_node by_use; /* host.in_rulebook, longest not asked first */
    size_t n_hosts, bytes, max_bytes;
};

struct rulebook *rulebook_new(struct frontier *f, size_t max_bytes)
{
    struct rulebook *b = mem_alloc(sizeof *b);

    b->frontier = f;
    b->max_bytes = max_bytes;
    list_init(&b->by_use);
    return b;
}

void rulebook_drop(struct rulebook *b, struct host *h)
{
    if (!h->obeys_rules)
        return;
    list_remove(&h->in_rulebook);
    b->n_hosts--;
    b->bytes -= h->rules_mem.used_bytes + LEAST_BYTES;
    arena_clear(&h->rules_mem);
    h->rules = (struct robots_rules){ .crawl_delay_ms = -1 };
    h->obeys_rules = false;
}

void rulebook_free(struct rulebook *b)
{
    if (!b)
        return;
    while (!list_is_empty(&b->by_use))
        rulebook_drop(b, CONTAINER_OF(b->by_use.next, struct host, in_rulebook));
    mem_free(b);
}

static enum err copy_rules(const struct robots_rules *from, struct arena *mem,
                           struct robots_rules *to)
{
    enum err e = OK;

    *to = *from;
    to->rules = arena_try_array(mem, from->n_rules + 1, sizeof *to->rules);
    to->sitemaps = arena_try_array(mem, from->n_sitemaps + 1, sizeof *to->sitemaps);
    if (!to->rules || !to->sitemaps)
        return ERR_TOO_LARGE;
    for (size_t i = 0; !e && i < from->n_rules; i++) {
        to->rules[i] = from->rules[i];
        e = arena_try_copy(mem, from->rules[i].pattern, &to->rules[i].pattern);
    }
    for (size_t i = 0; !e && i < from->n_sitemaps; i++)
        e = arena_try_copy(mem, from->sitemaps[i], &to->sitemaps[i]);
    return e;
}

static void touch(struct rulebook *b, struct host *h)
{
    list_remove(&h->in_rulebook);
    list_add_last(&b->by_use, &h->in_rulebook);
}

/* Looks at each origin once at most. One that is being prepared is about to be asked. */
static void make_room(struct rulebook *b)
{
    for (size_t n = b->n_hosts; n && b->bytes > b->max_bytes; n--) {
        struct host *h = CONTAINER_OF(b->by_use.next, struct host, in_rulebook);

        if (h->state == HOST_PREPARING) {
            touch(b, h);
            continue;
        }
        rulebook_drop(b, h);
        if (h->state == HOST_READY)
            frontier_forget(b->frontier, h);
    }
}

enum err rulebook_keep(struct rulebook *b, struct host *h, const struct robots_rules *from)
{
    struct robots_rules rules;
    struct arena mem;
    enum err e;

    arena_init(&mem, MAX_RULES_BYTES);
    e = copy_rules(from, &mem, &rules);
    if (e) {
        arena_clear(&mem);
        return e;
    }
    rulebook_drop(b, h);
    h->rules_mem = mem;
    h->rules = rules;
    h->crawl_delay_ms = rules.crawl_delay_ms;
    h->obeys_rules = true;
    list_add_last(&b->by_use, &h->in_rulebook);
    b->n_hosts++;
    b->bytes += mem.used_bytes + LEAST_BYTES;
    make_room(b);
    return OK;
}

bool rulebook_allows(struct rulebook *b, struct host *h, struct span target,
                     const struct robots_rule **out_rule)
{
    if (!h->obeys_rules)
        return true;
    touch(b, h);
    return robots_allows(&h->rules, target, out_rule);
}

size_t rulebook_bytes(const struct rulebook *b)
{
    return b->bytes;
}
