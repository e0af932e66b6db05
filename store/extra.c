/* SPDX-License-Identifier: MIT */
#include "store/extra.h"

#include "config/map.h"
#include "config/mem.h"
#include "store/hosts.h"
#include "store/queue.h"

struct extra {
    int64_t *ids;
    size_t len, cap;
    struct idmap seen_urls, seen_hosts; /* values mean nothing */
    bool is_cut;
};

struct extra *extra_new(void)
{
    struct extra *x = mem_alloc(sizeof *x);

    idmap_init(&x->seen_urls);
    idmap_init(&x->seen_hosts);
    return x;
}

void extra_free(struct extra *x)
{
    if (!x)
        return;
    idmap_clear(&x->seen_urls);
    idmap_clear(&x->seen_hosts);
    mem_free(x->ids);
    mem_free(x);
}

static void push(struct extra *x, int64_t id)
{
    if (x->len == x->cap) {
        size_t cap = x->cap ? x->cap * 2 : 64;
        int64_t *ids = mem_array(cap, sizeof *ids);

        if (x->len)
            memcpy(ids, x->ids, x->len * sizeof *ids);
        mem_free(x->ids);
        x->ids = ids;
        x->cap = cap;
    }
    x->ids[x->len++] = id;
}

void extra_add(struct extra *x, int64_t url_id, int64_t host_id)
{
    if (!host_id || !url_id || idmap_get(&x->seen_urls, (uint64_t)url_id))
        return;
    if (x->len >= EXTRA_MAX) {
        x->is_cut = true;
        if (idmap_get(&x->seen_hosts, (uint64_t)host_id))
            return;
    }
    idmap_set(&x->seen_urls, (uint64_t)url_id, x);
    idmap_set(&x->seen_hosts, (uint64_t)host_id, x);
    push(x, url_id);
}

enum err extra_give(struct core *c, struct extra *x, struct store_op *op)
{
    if (!x->len)
        return c->db->failed;
    op->extra = mem_array(x->len, sizeof *op->extra);
    arena_init(&op->extra_mem, SIZE_MAX);
    for (size_t i = 0; i < x->len; i++) {
        struct store_item *item = &op->extra[op->n_extra];
        struct store_origin origin;

        if (!queue_item(c, x->ids[i], &op->extra_mem, item))
            continue; /* no longer queued */
        if (hosts_origin(c, item->host_id, &op->extra_mem, &origin)) {
            item->is_https = origin.is_https;
            item->host = origin.host;
            item->port = origin.port;
            op->n_extra++;
        }
    }
    op->extra_is_cut = x->is_cut;
    x->len = 0;
    x->is_cut = false;
    idmap_clear(&x->seen_urls);
    idmap_clear(&x->seen_hosts);
    idmap_init(&x->seen_urls);
    idmap_init(&x->seen_hosts);
    return c->db->failed;
}
