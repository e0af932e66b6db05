/* SPDX-License-Identifier: MIT */
#include "store/recall.h"

#include "config/mem.h"

/* Links, or sets, that there is room for at first. */
#define FIRST_ROOM ((size_t)4096)
/* Memory for so many links at a time. */
#define LINKS_AHEAD ((size_t)64 << 10)
#define MAX_DST    ((int64_t)INT32_MAX)

struct recall {
    struct recall_link *links; /* of all sets, one after the other */
    size_t n_links, links_cap;
    uint32_t *starts; /* by set: where its links begin, as many places from the first one's as its id is from first */
    size_t n_sets, sets_cap;
    int64_t first;
    size_t max_bytes;
    bool has_forgotten;
};

struct recall *recall_new(size_t max_bytes)
{
    struct recall *r = mem_alloc(sizeof *r);

    r->max_bytes = MIN(max_bytes, (size_t)UINT32_MAX);
    return r;
}

static void clear(struct recall *r)
{
    mem_free(r->links);
    mem_free(r->starts);
    *r = (struct recall){ .max_bytes = r->max_bytes };
}

void recall_free(struct recall *r)
{
    if (!r)
        return;
    clear(r);
    mem_free(r);
}

static void forget(struct recall *r)
{
    clear(r);
    r->has_forgotten = true;
}

/* Room for one more of size bytes in an array; the file has the same, so nobody must find memory for it. */
static bool make_room(struct recall *r, void *array, size_t len, size_t *cap, size_t size)
{
    void **at = array, *grown;
    size_t wanted = MAX(*cap * 2, FIRST_ROOM);

    if (len < *cap)
        return true;
    grown = wanted * size <= r->max_bytes ? mem_ask_resize(*at, wanted * size) : NULL;
    if (!grown) {
        forget(r);
        return false;
    }
    *at = grown;
    *cap = wanted;
    return true;
}

void recall_begin(struct recall *r, int64_t set_id)
{
    if (r->has_forgotten)
        return;
    if (r->n_sets && set_id != r->first + (int64_t)r->n_links) {
        forget(r);
        return;
    }
    if (!r->n_sets)
        r->first = set_id;
    if (make_room(r, &r->starts, r->n_sets, &r->sets_cap, sizeof *r->starts))
        r->starts[r->n_sets++] = (uint32_t)r->n_links;
}

void recall_add(struct recall *r, int64_t dst_id, bool passes_rank)
{
    if (r->has_forgotten)
        return;
    if (dst_id < 0 || dst_id > MAX_DST) {
        forget(r);
        return;
    }
    if (!make_room(r, &r->links, r->n_links, &r->links_cap, sizeof *r->links))
        return;
    if (r->n_links % LINKS_AHEAD == 0)
        mem_ready(&r->links[r->n_links], MIN(LINKS_AHEAD, r->links_cap - r->n_links) * sizeof *r->links);
    r->links[r->n_links++] = (struct recall_link){ (uint32_t)dst_id << 1 | passes_rank };
}

int64_t recall_first(const struct recall *r)
{
    return r->n_sets ? r->first : 0;
}

size_t recall_n_sets(const struct recall *r)
{
    return r->n_sets;
}

const struct recall_link *recall_links(const struct recall *r, size_t i, int64_t *out_set_id, size_t *out_n)
{
    size_t end;

    BUG_IF(i >= r->n_sets);
    end = i + 1 < r->n_sets ? r->starts[i + 1] : r->n_links;
    *out_set_id = r->first + r->starts[i];
    *out_n = end - r->starts[i];
    return r->links + r->starts[i];
}
