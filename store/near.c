/* SPDX-License-Identifier: MIT */
#include "store/near.h"

#include <stdlib.h>
#include <string.h>

#include "config/mem.h"

#define PARTS     4
#define PART_BITS 16
#define SUB_BITS  12
/* So many are compared each with each. */
#define MAX_BUCKET 256
/* In larger ones each with so many that follow. */
#define WINDOW   128
#define NONE     UINT32_MAX
#define MIN_ROOM 1024

/* A fingerprint that some pages have. */
struct value {
    uint64_t simhash;
    uint32_t
        first; /* its pages in the sorted list; they end where the next value's begin */
    uint32_t parent; /* in the forest of clusters */
    uint32_t near;   /* head of the list of larger values near it; NONE = empty */
    uint32_t n_near;
};

struct neighbour {
    uint32_t value, next;
};

struct search {
    struct near_page *pages;
    size_t n_pages;
    struct value *values; /* ascending; one more at the end, for first */
    size_t n_values;
    struct neighbour *neighbours;
    size_t n_neighbours, neighbours_cap;
    uint8_t *n_told; /* pairs, by page */
    struct near_result *out;
    size_t pairs_cap;
    const atomic_bool *stop;
    enum err failed;
};

static bool is_over(const struct search *s)
{
    return s->failed || (s->stop && atomic_load(s->stop));
}

/* --- values ---------------------------------------------------------------------------- */

static int by_fingerprint(const void *a, const void *b)
{
    const struct near_page *x = a, *y = b;

    if (x->simhash != y->simhash)
        return x->simhash < y->simhash ? -1 : 1;
    if (x->body != y->body)
        return x->body < y->body ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static bool list_values(struct search *s)
{
    s->values = mem_try_alloc((s->n_pages + 1) * sizeof *s->values);
    if (!s->values)
        return false;
    for (uint32_t i = 0; i < s->n_pages; i++) {
        if (i && s->pages[i].simhash == s->pages[i - 1].simhash)
            continue;
        s->values[s->n_values] = (struct value){ .simhash = s->pages[i].simhash,
                                                 .first = i,
                                                 .parent = (uint32_t)s->n_values,
                                                 .near = NONE };
        s->n_values++;
    }
    s->values[s->n_values] = (struct value){ .first = (uint32_t)s->n_pages };
    return true;
}

static uint32_t root_of(struct search *s, uint32_t v)
{
    while (s->values[v].parent != v) {
        s->values[v].parent = s->values[s->values[v].parent].parent;
        v = s->values[v].parent;
    }
    return v;
}

/* The smaller root stays: deterministic, and shallow enough with halved paths. */
static void unite(struct search *s, uint32_t v, uint32_t w)
{
    uint32_t a = root_of(s, v), b = root_of(s, w);

    s->values[MAX(a, b)].parent = MIN(a, b);
}

static void add_neighbour(struct search *s, uint32_t v, uint32_t w)
{
    struct value *low = &s->values[MIN(v, w)];
    uint32_t high = MAX(v, w);

    unite(s, v, w);
    if (low->n_near >= NEAR_MAX_PAIRS)
        return;
    for (uint32_t i = low->near; i != NONE; i = s->neighbours[i].next)
        if (s->neighbours[i].value == high)
            return;
    if (s->n_neighbours == s->neighbours_cap) {
        size_t cap = MAX(s->neighbours_cap * 2, (size_t)MIN_ROOM);
        void *grown = mem_try_resize(s->neighbours, cap * sizeof *s->neighbours);

        if (!grown) {
            s->failed = ERR_NO_MEMORY;
            return;
        }
        s->neighbours = grown;
        s->neighbours_cap = cap;
    }
    s->neighbours[s->n_neighbours] = (struct neighbour){ high, low->near };
    low->near = (uint32_t)s->n_neighbours++;
    low->n_near++;
}

/* --- comparing ------------------------------------------------------------------------- */

static bool is_near(uint64_t a, uint64_t b)
{
    uint64_t x = a ^ b;

    for (int i = 0; i < NEAR_BITS; i++)
        x &= x - 1; /* one bit less; 0 stays 0 */
    return x == 0;
}

/* Each of list with the window that follow it. */
static void compare(struct search *s, const uint32_t *list, size_t n, size_t window)
{
    for (size_t i = 0; i < n && !s->failed; i++) {
        uint64_t simhash = s->values[list[i]].simhash;
        size_t end = MIN(n, i + 1 + window);

        for (size_t k = i + 1; k < end; k++)
            if (is_near(simhash, s->values[list[k]].simhash))
                add_neighbour(s, list[i], list[k]);
    }
}

static size_t part_of(uint64_t simhash, int part)
{
    return simhash >> part * PART_BITS & ((1 << PART_BITS) - 1);
}

/* Part number sub of what is left of the fingerprint without one of its four parts. */
static size_t sub_part_of(uint64_t simhash, int part, int sub)
{
    uint64_t low = simhash & ((UINT64_C(1) << part * PART_BITS) - 1);
    uint64_t high = part == PARTS - 1 ? 0 : simhash >> (part + 1) * PART_BITS;
    uint64_t rest = low | high << part * PART_BITS;

    return rest >> sub * SUB_BITS & ((1 << SUB_BITS) - 1);
}

/* Sorts list into out by a key of so many bits, keeping the order of equal ones; the ends of the runs in ends. */
static void sort_by(const struct search *s, const uint32_t *list, size_t n,
                    uint32_t *out, uint32_t *ends, int part, int sub)
{
    size_t n_keys = (size_t)1 << (sub < 0 ? PART_BITS : SUB_BITS);

    memset(ends, 0, (n_keys + 1) * sizeof *ends);
    for (size_t i = 0; i < n; i++) {
        uint64_t x = s->values[list[i]].simhash;

        ends[(sub < 0 ? part_of(x, part) : sub_part_of(x, part, sub)) + 1]++;
    }
    for (size_t k = 1; k <= n_keys; k++)
        ends[k] += ends[k - 1];
    for (size_t i = 0; i < n; i++) {
        uint64_t x = s->values[list[i]].simhash;

        out[ends[sub < 0 ? part_of(x, part) : sub_part_of(x, part, sub)]++] = list[i];
    }
}

static void split(struct search *s, const uint32_t *bucket, size_t n, int part,
                  uint32_t *room, uint32_t *ends)
{
    for (int sub = 0; sub < PARTS && !is_over(s); sub++) {
        size_t from = 0;

        sort_by(s, bucket, n, room, ends, part, sub);
        for (size_t k = 0; k < (size_t)1 << SUB_BITS && !is_over(s); k++) {
            compare(s, room + from, ends[k] - from, WINDOW);
            from = ends[k];
        }
    }
}

struct scratch {
    uint32_t *all, *sorted, *room; /* values */
    uint32_t *ends, *sub_ends;
};

static void compare_part(struct search *s, int part, struct scratch *t)
{
    size_t from = 0;

    sort_by(s, t->all, s->n_values, t->sorted, t->ends, part, -1);
    for (size_t k = 0; k < (size_t)1 << PART_BITS && !is_over(s); k++) {
        size_t n = t->ends[k] - from;

        if (n <= MAX_BUCKET)
            compare(s, t->sorted + from, n, n);
        else
            split(s, t->sorted + from, n, part, t->room, t->sub_ends);
        from = t->ends[k];
    }
}

static void compare_all(struct search *s)
{
    size_t bytes = s->n_values * sizeof(uint32_t);
    struct scratch t = {
        mem_try_alloc(bytes),
        mem_try_alloc(bytes),
        mem_try_alloc(bytes),
        mem_try_alloc((((size_t)1 << PART_BITS) + 1) * sizeof(uint32_t)),
        mem_try_alloc((((size_t)1 << SUB_BITS) + 1) * sizeof(uint32_t)),
    };

    if (!t.all || !t.sorted || !t.room || !t.ends || !t.sub_ends)
        s->failed = ERR_NO_MEMORY;
    for (uint32_t i = 0; !s->failed && i < s->n_values; i++)
        t.all[i] = i;
    for (int part = 0; part < PARTS && !is_over(s); part++)
        compare_part(s, part, &t);
    mem_free(t.all);
    mem_free(t.sorted);
    mem_free(t.room);
    mem_free(t.ends);
    mem_free(t.sub_ends);
}

/* --- telling --------------------------------------------------------------------------- */

static uint32_t end_of(const struct search *s, uint32_t v)
{
    return s->values[v + 1].first;
}

/* Is it the first of the pages with its body? */
static bool stands_for_body(const struct search *s, uint32_t v, uint32_t page)
{
    return page == s->values[v].first || !s->pages[page].body ||
           s->pages[page].body != s->pages[page - 1].body;
}

static void tell(struct search *s, uint32_t x, uint32_t y, uint64_t difference)
{
    uint32_t a = s->pages[x].id < s->pages[y].id ? x : y, b = a == x ? y : x;
    struct near_result *out = s->out;

    if (s->n_told[a] >= NEAR_MAX_PAIRS)
        return;
    if (out->n_pairs == s->pairs_cap) {
        size_t cap = MAX(s->pairs_cap * 2, (size_t)MIN_ROOM);
        void *grown = mem_try_resize(out->pairs, cap * sizeof *out->pairs);

        if (!grown) {
            s->failed = ERR_NO_MEMORY;
            return;
        }
        out->pairs = grown;
        s->pairs_cap = cap;
    }
    s->n_told[a]++;
    out->pairs[out->n_pairs++] =
        (struct near_pair){ s->pages[a].id, s->pages[b].id,
                            (uint8_t)__builtin_popcountll(difference) };
}

/* A page with the next ones of v from on, so many at most. */
static void tell_with(struct search *s, uint32_t page, uint32_t v, uint32_t from,
                      uint64_t difference)
{
    size_t n = 0;

    for (uint32_t i = from; i < end_of(s, v) && n < NEAR_MAX_PAIRS; i++)
        if (stands_for_body(s, v, i)) {
            tell(s, page, i, difference);
            n++;
        }
}

static void tell_of(struct search *s, uint32_t v)
{
    const struct value *at = &s->values[v];
    size_t n = 0;

    for (uint32_t i = at->first; i < end_of(s, v); i++)
        if (stands_for_body(s, v, i))
            tell_with(s, i, v, i + 1, 0);
    for (uint32_t i = at->first; i < end_of(s, v) && n < NEAR_MAX_PAIRS; i++) {
        if (!stands_for_body(s, v, i))
            continue;
        n++;
        for (uint32_t k = at->near; k != NONE; k = s->neighbours[k].next) {
            uint32_t w = s->neighbours[k].value;

            tell_with(s, i, w, s->values[w].first, at->simhash ^ s->values[w].simhash);
        }
    }
}

static int by_ids(const void *a, const void *b)
{
    const struct near_pair *x = a, *y = b;

    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    return x->b < y->b ? -1 : x->b > y->b;
}

/* The smallest id of each root's pages, in near (no longer needed), their number in n_near. */
static void name_clusters(struct search *s)
{
    for (uint32_t v = 0; v < s->n_values; v++) {
        s->values[v].near = NONE;
        s->values[v].n_near = 0;
    }
    for (uint32_t v = 0; v < s->n_values; v++) {
        struct value *root = &s->values[root_of(s, v)];

        for (uint32_t i = s->values[v].first; i < end_of(s, v); i++)
            root->near = MIN(root->near, s->pages[i].id);
        root->n_near += end_of(s, v) - s->values[v].first;
    }
    for (uint32_t v = 0; v < s->n_values; v++) {
        const struct value *root = &s->values[root_of(s, v)];

        for (uint32_t i = s->values[v].first; i < end_of(s, v); i++)
            s->pages[i].cluster = root->n_near > 1 ? root->near : 0;
        s->out->n_clusters += root == &s->values[v] && root->n_near > 1;
    }
}

static void search(struct search *s)
{
    if (s->n_pages)
        qsort(s->pages, s->n_pages, sizeof *s->pages, by_fingerprint);
    s->n_told = mem_try_alloc(MAX(s->n_pages, (size_t)1));
    if (!s->n_told || !list_values(s)) {
        s->failed = ERR_NO_MEMORY;
        return;
    }
    memset(s->n_told, 0, MAX(s->n_pages, (size_t)1));
    compare_all(s);
    for (uint32_t v = 0; v < s->n_values && !is_over(s); v++)
        tell_of(s, v);
    if (is_over(s)) {
        s->failed = s->failed ? s->failed : ERR_CANCELLED;
        return;
    }
    if (s->out->n_pairs)
        qsort(s->out->pairs, s->out->n_pairs, sizeof *s->out->pairs, by_ids);
    name_clusters(s);
}

enum err near_find(struct near_page *pages, size_t n, const atomic_bool *stop,
                   struct near_result *out)
{
    struct search s = { .pages = pages, .n_pages = n, .out = out, .stop = stop };

    *out = (struct near_result){ 0 };
    if (n >= NONE)
        return ERR_NO_MEMORY;
    search(&s);
    mem_free(s.n_told);
    mem_free(s.values);
    mem_free(s.neighbours);
    if (s.failed) {
        mem_free(out->pairs);
        *out = (struct near_result){ 0 };
    }
    return s.failed;
}
