/* SPDX-License-Identifier: MIT */
#include "store/apply.h"

#include "config/buf.h"
#include "config/clock.h"
#include "config/mem.h"
#include "store/anchors.h"
#include "store/decided.h"
#include "store/depth.h"
#include "store/dictionaries.h"
#include "store/extra.h"
#include "store/hosts.h"
#include "store/links.h"
#include "store/metrics.h"
#include "store/offers.h"
#include "store/queue.h"
#include "store/renewal.h"
#include "store/runs.h"
#include "store/stats.h"
#include "store/visits.h"

#define MAX_SCRATCH ((size_t)16 * MIB)

struct apply {
    struct core *core;
    struct extra *extra;
    struct buf scratch;
};

struct apply *apply_new(struct core *c)
{
    struct apply *a = mem_alloc(sizeof *a);

    a->core = c;
    a->extra = extra_new();
    buf_init(&a->scratch, MAX_SCRATCH);
    return a;
}

void apply_free(struct apply *a)
{
    if (!a)
        return;
    extra_free(a->extra);
    buf_clear(&a->scratch);
    mem_free(a);
}

/* What a finished run is good for; told to stop, it leaves out what takes long. */
static enum err update_graph(struct core *c, struct store_op *op)
{
    enum err e;

    if (op->u.graph.wants_metrics)
        e = metrics_update(c, op);
    else
        e = anchors_tidy(c, op->u.graph.stop, &op->u.graph.skipped);
    if (!e && !(op->u.graph.stop && atomic_load(op->u.graph.stop)))
        e = links_build_reverse(c);
    return e ? e : stats_update(c);
}

enum err apply_op(struct apply *a, struct store_op *op)
{
    struct core *c = a->core;

    if (db_begin(c->db))
        return c->db->failed;
    c->now_ms = clock_wall_ms();
    switch (op->kind) {
    case STORE_VISIT: return visits_store(c, a->extra, &op->u.visit, &a->scratch);
    case STORE_OFFERS: return offers_apply_op(c, a->extra, op);
    case STORE_REFILL: return queue_refill(c, op);
    case STORE_OUT_OF_SCOPE: return decided_out_of_scope(c, a->extra, op);
    case STORE_HOST_LOAD: return hosts_load(c, &op->u.host, &op->mem);
    case STORE_HOST_SAVE: return hosts_save(c, &op->u.host);
    case STORE_HOST_SITEMAPS: return hosts_note_sitemaps(c, op->u.sitemaps.host_id, op->u.sitemaps.are_read);
    case STORE_HOST_PARK: return queue_park(c, op);
    case STORE_EVENT: return runs_event(c, op);
    case STORE_SPACE: return OK; /* the keeper looked before the op came here */
    case STORE_END_RUN: return runs_end(c, op);
    case STORE_GRAPH: return update_graph(c, op);
    case STORE_TEXTS: return renewal_step(c, op);
    case STORE_DICTIONARY: return dictionaries_put(c, &op->u.dictionary);
    }
    return db_fail(c->db, ERR_INVALID, "an op of an unknown kind");
}

enum err apply_depth(struct apply *a, size_t max_links)
{
    return depth_work(a->core, a->extra, max_links);
}

enum err apply_give_extra(struct apply *a, struct store_op *op)
{
    return extra_give(a->core, a->extra, op);
}
