/* SPDX-License-Identifier: MIT */
#include "config/mem.h"
#include "crawler/discover.h"
#include "crawler/outbox.h"
#include "crawler/seeds.h"

#define OFFERS_PER_OP ((size_t)1000)
#define OFFERS_BYTES  ((size_t)64 * MIB) /* a URL of 8 KiB takes 33 KiB, and its rule half a KiB */

static enum err offer_some(struct crawl *c, const struct seed *seeds, size_t n)
{
    struct store_op *op = store_op_new(STORE_OFFERS, OFFERS_BYTES);
    enum err e;

    op->u.offers.offers = arena_array(&op->mem, n + 1, sizeof(struct store_offer));
    op->u.offers.n_offers = n;
    for (size_t i = 0; i < n; i++) {
        struct store_offer *o = &op->u.offers.offers[i];

        discover_seed(c, &seeds[i].url, &op->mem, o);
        o->seed_source = seeds[i].source;
        o->seed_line = seeds[i].line;
    }
    e = outbox_wait(c, op, DEADLINE_NEVER);
    if (e)
        return e;
    e = op->result;
    store_op_free(op);
    return e;
}

enum err seeds_offer(struct crawl *c, const struct seeds *s)
{
    size_t i = 0;
    enum err e;

    /* Also where there are none: with the first commit the store does what a crash left, and queues rows perhaps. */
    do {
        e = offer_some(c, s->items + i, MIN(OFFERS_PER_OP, s->len - i));
        i += OFFERS_PER_OP;
    } while (!e && i < s->len);
    return e;
}
