/* SPDX-License-Identifier: MIT */
#include "store/graph.h"

#include <math.h>
#include <string.h>

#include "config/mem.h"

#define MAX_HOPS    20
#define FIRST_EDGES 4096

struct url {
    uint32_t links_in, pages_in;
    uint32_t last_src; /* the last page seen that links to it */
    uint32_t node;     /* of the page that a link to it leads to, plus 1; 0 = none */
};

struct redirect {
    uint32_t src, dst;
};

struct graph {
    struct url *urls; /* by id */
    uint32_t max_id;
    uint32_t *pages; /* id of each node */
    size_t n_pages, pages_cap;
    struct redirect *redirects;
    size_t n_redirects, redirects_cap;
    uint32_t *last_src; /* by node: the last page seen with an edge to it */
    uint32_t *out;      /* by node: edges from it */
    uint32_t *edges;    /* targets, those of one source together */
    size_t n_edges, edges_cap;
    uint32_t *sources; /* nodes whose links came, in the order in which they came */
    bool *has_come;    /* by node: is it among them? */
    size_t n_sources;
    uint32_t src, src_node; /* whose links are coming; src_node 0 = not a page */
    double *ranks;          /* by node, once computed */
};

/* Room for one more item of an array. */
static bool make_room(void *array, size_t len, size_t *cap, size_t size)
{
    void **at = array;
    size_t wanted = MAX(*cap + *cap / 2, (size_t)FIRST_EDGES);
    void *grown;

    if (len < *cap)
        return true;
    grown = mem_try_resize(*at, wanted * size);
    if (!grown)
        return false;
    *at = grown;
    *cap = wanted;
    return true;
}

static void *try_zeroed(size_t count, size_t size)
{
    return mem_try_zeroed(MAX(count, (size_t)1) * size);
}

static bool is_id(const struct graph *g, int64_t id)
{
    return id > 0 && id <= g->max_id;
}

/* --- what is known before the links -------------------------------------------------- */

struct graph *graph_new(int64_t max_id)
{
    struct graph *g;

    if (max_id < 0 || max_id >= UINT32_MAX)
        return NULL;
    g = mem_alloc(sizeof *g);
    g->max_id = (uint32_t)max_id;
    g->urls = try_zeroed((size_t)max_id + 1, sizeof *g->urls);
    if (g->urls)
        return g;
    graph_free(g);
    return NULL;
}

void graph_free(struct graph *g)
{
    if (!g)
        return;
    mem_free(g->urls);
    mem_free(g->pages);
    mem_free(g->redirects);
    mem_free(g->last_src);
    mem_free(g->out);
    mem_free(g->edges);
    mem_free(g->sources);
    mem_free(g->has_come);
    mem_free(g->ranks);
    mem_free(g);
}

enum err graph_add_page(struct graph *g, int64_t id)
{
    if (!is_id(g, id) || (g->n_pages && id <= g->pages[g->n_pages - 1]))
        return ERR_INVALID;
    if (!make_room(&g->pages, g->n_pages, &g->pages_cap, sizeof *g->pages))
        return ERR_NO_MEMORY;
    g->pages[g->n_pages++] = (uint32_t)id;
    g->urls[id].node = (uint32_t)g->n_pages;
    return OK;
}

enum err graph_add_redirect(struct graph *g, int64_t src, int64_t dst)
{
    if (!is_id(g, src) || !is_id(g, dst))
        return ERR_INVALID;
    if (!make_room(&g->redirects, g->n_redirects, &g->redirects_cap,
                   sizeof *g->redirects))
        return ERR_NO_MEMORY;
    g->redirects[g->n_redirects++] = (struct redirect){ (uint32_t)src, (uint32_t)dst };
    return OK;
}

/* Each redirecting URL gets the node of the page at the end of its chain, if there is one. */
static enum err resolve(struct graph *g)
{
    uint32_t *via;

    if (!g->n_redirects)
        return OK;
    via = try_zeroed((size_t)g->max_id + 1, sizeof *via);
    if (!via)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < g->n_redirects; i++)
        via[g->redirects[i].src] = g->redirects[i].dst;
    for (size_t i = 0; i < g->n_redirects; i++) {
        uint32_t at = g->redirects[i].src;

        for (int hops = 0; at && !g->urls[at].node && hops < MAX_HOPS; hops++)
            at = via[at];
        g->urls[g->redirects[i].src].node = at ? g->urls[at].node : 0;
    }
    mem_free(via);
    return OK;
}

enum err graph_settle(struct graph *g)
{
    g->last_src = try_zeroed(g->n_pages, sizeof *g->last_src);
    g->out = try_zeroed(g->n_pages, sizeof *g->out);
    g->sources = try_zeroed(g->n_pages, sizeof *g->sources);
    g->has_come = try_zeroed(g->n_pages, sizeof *g->has_come);
    return g->last_src && g->out && g->sources && g->has_come ? resolve(g) : ERR_NO_MEMORY;
}

/* --- links ----------------------------------------------------------------------------- */

static enum err begin_src(struct graph *g, int64_t src)
{
    uint32_t node = g->urls[src].node;

    g->src = (uint32_t)src;
    g->src_node = node && g->pages[node - 1] == src ? node : 0;
    if (!g->src_node)
        return OK;
    if (g->has_come[node - 1])
        return ERR_INVALID;
    g->has_come[node - 1] = true;
    g->sources[g->n_sources++] = node - 1;
    return OK;
}

static enum err add_edge(struct graph *g, uint32_t to)
{
    g->last_src[to] = g->src;
    if (!make_room(&g->edges, g->n_edges, &g->edges_cap, sizeof *g->edges))
        return ERR_NO_MEMORY;
    g->edges[g->n_edges++] = to;
    g->out[g->src_node - 1]++;
    return OK;
}

enum err graph_add_link(struct graph *g, int64_t src, int64_t dst, bool is_followed)
{
    struct url *u;

    if (!is_id(g, src) || !is_id(g, dst))
        return OK;
    if (src != g->src && begin_src(g, src))
        return ERR_INVALID;
    u = &g->urls[dst];
    u->links_in += u->links_in < UINT32_MAX;
    if (dst == src)
        return OK;
    if (u->last_src != g->src) {
        u->last_src = g->src;
        u->pages_in++;
    }
    if (!is_followed || !g->src_node || !u->node || u->node == g->src_node ||
        g->last_src[u->node - 1] == g->src)
        return OK;
    return add_edge(g, u->node - 1);
}

/* --- rank ------------------------------------------------------------------------------ */

/* The edges the other way round: sources[starts[i] .. starts[i + 1]) link to node i. */
struct turned {
    size_t *starts;
    uint32_t *sources;
};

static enum err turn(const struct graph *g, struct turned *t)
{
    size_t at = 0;

    t->starts = try_zeroed(g->n_pages + 2, sizeof *t->starts);
    t->sources = mem_try_alloc(MAX(g->n_edges, (size_t)1) * sizeof *t->sources);
    if (!t->starts || !t->sources)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < g->n_edges; i++)
        t->starts[g->edges[i] + 2]++;
    for (size_t i = 2; i < g->n_pages + 2; i++)
        t->starts[i] += t->starts[i - 1];
    for (size_t n = 0; n < g->n_sources; n++)
        for (uint32_t i = 0; i < g->out[g->sources[n]]; i++)
            t->sources[t->starts[g->edges[at++] + 1]++] = g->sources[n];
    return OK;
}

/* What these nodes give together. In four sums, as each addition waits for the one before it in its own. */
static double sum_given(const double *gives, const uint32_t *sources, size_t n)
{
    double sums[4] = { 0.0 };
    size_t k = 0;

    for (; k + 4 <= n; k += 4)
        for (size_t i = 0; i < 4; i++)
            sums[i] += gives[sources[k + i]];
    for (; k < n; k++)
        sums[0] += gives[sources[k]];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/*
 * One pass of Gauss and Seidel over y = 1 + 0.85 * (what links bring). Pages without links
 * give every page the same, as the jump to any page does, so ranks are y but for a factor.
 * gives[i]: what each link of page i brings. Returns the change relative to the sum.
 */
static double pass(const struct graph *g, const struct turned *t, double *gives)
{
    double change = 0.0, sum = 0.0;

    for (size_t i = 0; i < g->n_pages; i++) {
        double y = 1.0 + GRAPH_DAMPING *
                             sum_given(gives, t->sources + t->starts[i], t->starts[i + 1] - t->starts[i]);

        change += fabs(y - g->ranks[i]);
        sum += y;
        g->ranks[i] = y;
        gives[i] = g->out[i] ? y / g->out[i] : 0.0;
    }
    return g->n_pages ? change / sum : 0.0;
}

static void normalise(struct graph *g)
{
    double sum = 0.0;

    for (size_t i = 0; i < g->n_pages; i++)
        sum += g->ranks[i];
    for (size_t i = 0; i < g->n_pages; i++)
        g->ranks[i] /= sum;
}

static enum err iterate(struct graph *g, const struct turned *t, double *gives,
                        const atomic_bool *stop, int *passes)
{
    double change = 1.0;

    for (size_t i = 0; i < g->n_pages; i++) {
        g->ranks[i] = 1.0;
        gives[i] = g->out[i] ? 1.0 / g->out[i] : 0.0;
    }
    for (*passes = 0; change >= GRAPH_BOUND && *passes < GRAPH_MAX_PASSES; ++*passes) {
        if (stop && atomic_load(stop))
            return ERR_CANCELLED;
        change = pass(g, t, gives);
    }
    normalise(g);
    return OK;
}

enum err graph_rank(struct graph *g, const atomic_bool *stop, int *passes)
{
    struct turned t = { NULL, NULL };
    enum err e = turn(g, &t);
    double *gives = try_zeroed(g->n_pages, sizeof *gives);

    mem_free(g->edges); /* the turned ones tell as much */
    g->edges = NULL;
    g->edges_cap = 0;
    g->ranks = try_zeroed(g->n_pages, sizeof *g->ranks);
    if (!e && (!gives || !g->ranks))
        e = ERR_NO_MEMORY;
    if (!e)
        e = iterate(g, &t, gives, stop, passes);
    mem_free(t.starts);
    mem_free(t.sources);
    mem_free(gives);
    return e;
}

/* --- questions ------------------------------------------------------------------------- */

size_t graph_n_pages(const struct graph *g)
{
    return g->n_pages;
}

struct graph_node graph_get(const struct graph *g, int64_t id)
{
    struct graph_node n = { 0 };
    const struct url *u;

    if (!is_id(g, id))
        return n;
    u = &g->urls[id];
    n.links_in = u->links_in;
    n.pages_in = u->pages_in;
    n.has_page = u->node && g->pages[u->node - 1] == id;
    n.rank = n.has_page && g->ranks ? g->ranks[u->node - 1] : 0.0;
    return n;
}
