/* SPDX-License-Identifier: MIT */
#include "crawler/rescope.h"

#include "config/mem.h"
#include "crawler/ask.h"
#include "crawler/discover.h"
#include "crawler/outbox.h"

#define ITEMS_A_PART ((size_t)512)
/* URLs are 8 KiB at most, and taking one apart asks for 16 times as much; most are short. */
#define PART_BYTES   ((size_t)64 * MIB)
#define ROOM_FOR_ONE ((size_t)256 * KIB)

struct pass {
    struct crawl *c;
    int64_t after;
    /* Reading all links takes its time: not before there is one that the scope lets in, unless depths matter. */
    bool wants_ways;
    struct incoming *ways;
};

/* The next part; NULL and *out_err when there is none. */
static struct store_op *read_part(struct pass *p, enum err *out_err)
{
    struct store_op *op = store_op_new(STORE_OUT_OF_SCOPE, PART_BYTES);

    op->u.out_of_scope.after = p->after;
    op->u.out_of_scope.limit = ITEMS_A_PART;
    op->u.out_of_scope.wants_ways = p->wants_ways;
    op->u.out_of_scope.ways = p->ways;
    op->u.out_of_scope.stop = &p->c->must_hurry;
    p->ways = NULL;
    *out_err = outbox_wait(p->c, op, DEADLINE_NEVER);
    if (*out_err)
        return NULL;
    *out_err = op->result;
    return op;
}

/* What of a part is ours now. *out_last: the row up to which that holds. */
static struct store_op *choose(struct pass *p, const struct store_op *part, int64_t *out_last)
{
    struct store_op *op = store_op_new(STORE_OFFERS, PART_BYTES);
    const struct store_item *items = part->u.out_of_scope.items;
    size_t n = part->u.out_of_scope.n_items;

    *out_last = part->u.out_of_scope.last;
    op->u.offers.offers = arena_array(&op->mem, n + 1, sizeof(struct store_offer));
    for (size_t i = 0; i < n; i++) {
        if (i && !arena_has_room(&op->mem, ROOM_FOR_ONE)) {
            *out_last = items[i - 1].id;
            break;
        }
        op->u.offers.n_offers +=
            discover_again(p->c, &items[i], &op->mem, &op->u.offers.offers[op->u.offers.n_offers]);
        coro_breathe();
    }
    return op;
}

/* Offers what of this part is ours; or nothing yet, where its ways are not known. */
static enum err offer_part(struct pass *p, const struct store_op *part)
{
    int64_t last;
    struct store_op *op = choose(p, part, &last);
    enum err e;

    if (op->u.offers.n_offers && !p->wants_ways) {
        p->wants_ways = true;
        store_op_free(op);
        return OK;
    }
    p->after = last;
    if (!op->u.offers.n_offers) {
        store_op_free(op);
        return OK;
    }
    e = outbox_wait(p->c, op, DEADLINE_NEVER);
    if (e)
        return e;
    e = op->result;
    store_op_free(op);
    return e;
}

enum err rescope(struct crawl *c)
{
    struct pass p = { .c = c, .wants_ways = c->settings->depth >= 0 };
    bool is_over = false;
    enum err e = OK;

    while (!e && !is_over && !c->stop) {
        struct store_op *part = read_part(&p, &e);

        if (!part)
            break;
        is_over = !part->u.out_of_scope.last && !part->u.out_of_scope.has_risen;
        if (!e && part->u.out_of_scope.last)
            e = offer_part(&p, part);
        p.ways = part->u.out_of_scope.ways;
        part->u.out_of_scope.ways = NULL;
        store_op_free(part);
    }
    store_free_ways(p.ways);
    return e;
}

/* --- at a start ------------------------------------------------------------------ */

static bool is_by_link(enum url_reason reason)
{
    return reason == REASON_KIND || reason == REASON_NOFOLLOW;
}

/*
 * May a link to it be followed under settings like these, where it was excluded for how links were made? Its row tells
 * of one of them only: a form's target may be an image as well. The store looks at all.
 */
static bool follows_more_links(const struct settings *s, enum url_reason reason)
{
    return s->follows_embeds || (reason == REASON_NOFOLLOW && !s->respects_nofollow);
}

bool rescope_decide(void *arg, const struct store_excluded *url, struct store_verdict *out)
{
    struct crawl *c = arg;
    struct scope_verdict verdict;
    struct arena mem;
    struct url u;

    out->reason = url->reason;
    out->rule = url->rule;
    if (url->reason == REASON_URL_TOO_LONG || /* the file has its beginning */
        (is_by_link(url->reason) && !follows_more_links(c->settings, url->reason)))
        return true;
    if (c->settings->rules.len && crawl_looks_for_signal(c))
        return false;
    arena_init(&mem, 16 * url->url.len + (size_t)MIB);
    if (url_parse(url->url, NULL, &mem, &u) == OK) {
        scope_decide(c->scope, &u, url->depth, &mem, &verdict);
        out->reason = verdict.reason;
        arena_reset(&c->rule_mem);
        out->rule = arena_copy(&c->rule_mem, verdict.rule);
    }
    if (!out->reason &&
        (url->reason == REASON_CONTENT_TYPE ? !ask_wants_type(c->settings, ask_type_of_rule(url->rule))
                                            : url->reason == REASON_ROBOTS && !c->settings->has_no_robots)) {
        out->reason = url->reason;
        out->rule = url->rule;
    }
    arena_clear(&mem);
    return true;
}
