/* SPDX-License-Identifier: MIT */
#include "store/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "config/map.h"
#include "config/mem.h"
#include "store/anchors.h"
#include "store/graph.h"
#include "store/links.h"
#include "store/near.h"
#include "store/recall.h"
#include "store/roll.h"
#include "store/tally.h"

/* Changes when what is computed does: the hash of what it is made of begins with it. */
#define COMPUTATION 1
#define FIRST_PAGES 4096
#define LOOK_EVERY  65536 /* links between two looks at stop */

/* The body of a page, by the start of its SHA-256. */
struct body {
    uint64_t hash;
    uint32_t id;
    uint32_t copies;
};

struct metrics {
    struct core *core;
    struct graph *graph;
    struct near_page *pages; /* those with enough words */
    size_t n_pages, pages_cap;
    struct body
        *bodies; /* of all pages; once counted, of those that are not alone with it */
    size_t n_bodies, bodies_cap;
    struct near_result near;
    struct anchors_used anchors;
    bool reads_anchors; /* some may be without a link */
    const struct recall *recall; /* all links, where they are in memory; then so may all pages be, in roll */
    const struct roll_page *roll;
    size_t n_roll, roll_at;
    sqlite3_stmt *owners; /* the pages in the order of their sets of links, while links are read from the file */
    int64_t owner_set, owner; /* where it stands */
    int64_t set, src;         /* of the links that are read, and its page; 0: nobody's */
    const atomic_bool *stop;
    uint64_t hash; /* of what they are made of */
    size_t n_links, n_recalled;
    enum err failed; /* not the database's errors */
};

static bool is_over(const struct metrics *m)
{
    return m->failed || m->core->db->failed;
}

static void check_stop(struct metrics *m)
{
    if (!m->failed && m->stop && atomic_load(m->stop))
        m->failed = ERR_CANCELLED;
}

static void note(struct metrics *m, enum err e)
{
    if (!m->failed)
        m->failed = e;
}

static void add_hash(struct metrics *m, const int64_t *numbers, size_t n)
{
    m->hash = map_hash(span_make((const char *)numbers, n * sizeof *numbers), m->hash);
}

/* --- reading ----------------------------------------------------------------------------- */

/* Room for one more item of an array. */
static bool make_room(struct metrics *m, void *array, size_t len, size_t *cap,
                      size_t size)
{
    size_t wanted = MAX(*cap * 2, (size_t)FIRST_PAGES);
    void **at = array, *grown;

    if (len < *cap)
        return true;
    grown = mem_try_resize(*at, wanted * size);
    if (!grown) {
        note(m, ERR_NO_MEMORY);
        return false;
    }
    *at = grown;
    *cap = wanted;
    return true;
}

static void add_near_page(struct metrics *m, const struct near_page *page)
{
    if (make_room(m, &m->pages, m->n_pages, &m->pages_cap, sizeof *m->pages))
        m->pages[m->n_pages++] = *page;
}

static void add_body(struct metrics *m, uint32_t id, uint64_t hash)
{
    if (make_room(m, &m->bodies, m->n_bodies, &m->bodies_cap, sizeof *m->bodies))
        m->bodies[m->n_bodies++] = (struct body){ hash, id, 1 };
}

static void take_page(struct metrics *m, const struct roll_page *p)
{
    int64_t row[5] = { p->url_id, p->link_hash, p->simhash, p->word_count, p->body };
    struct near_page page = { .simhash = (uint64_t)p->simhash, .body = (uint64_t)p->body, .id = (uint32_t)p->url_id };

    add_hash(m, row, ARRAY_LEN(row));
    note(m, graph_add_page(m->graph, p->url_id));
    if (page.body && !m->failed)
        add_body(m, page.id, page.body);
    if (page.simhash && p->word_count >= METRICS_MIN_WORDS && !m->failed)
        add_near_page(m, &page);
}

static void read_pages_from_file(struct metrics *m)
{
    static const char SQL[] =
        "SELECT p.url_id, p.link_hash, p.simhash, p.word_count, f.sha256 FROM page p"
        " LEFT JOIN fetch f ON f.id = p.fetch_id ORDER BY p.url_id";
    sqlite3_stmt *st = db_stmt(m->core->db, SQL);

    while (!is_over(m) && db_next(m->core->db, st)) {
        struct roll_page page = { .url_id = sqlite3_column_int64(st, 0),
                                  .link_hash = sqlite3_column_int64(st, 1),
                                  .simhash = sqlite3_column_int64(st, 2),
                                  .word_count = sqlite3_column_int64(st, 3) };

        if ((size_t)sqlite3_column_bytes(st, 4) >= sizeof page.body)
            memcpy(&page.body, sqlite3_column_blob(st, 4), sizeof page.body);
        take_page(m, &page);
    }
    db_done(st);
}

static int by_url(const void *a, const void *b)
{
    const struct roll_page *const *x = a, *const *y = b;

    return (*x)->url_id < (*y)->url_id ? -1 : (*x)->url_id > (*y)->url_id;
}

/* In the order of their ids, as the file has them. */
static void read_pages(struct metrics *m)
{
    const struct roll_page **sorted = m->roll ? mem_try_alloc(m->n_roll * sizeof *sorted) : NULL;

    if (!sorted) {
        read_pages_from_file(m);
        return;
    }
    for (size_t i = 0; i < m->n_roll; i++)
        sorted[i] = &m->roll[i];
    qsort(sorted, m->n_roll, sizeof(struct roll_page *), by_url);
    for (size_t i = 0; i < m->n_roll && !is_over(m); i++)
        take_page(m, sorted[i]);
    mem_free(sorted);
}

/* Where URLs lead that answered with a redirect last; the latest target comes last and counts. */
static void read_redirects(struct metrics *m)
{
    static const char SQL[] =
        "SELECT r.src_id, r.dst_id FROM redirects r JOIN url u ON u.id = r.src_id"
        " JOIN fetch f ON f.id = u.fetch_id"
        " WHERE f.outcome IN ('redirect', 'redirect_limit')"
        " ORDER BY r.src_id, r.run_id";
    sqlite3_stmt *st = db_stmt(m->core->db, SQL);

    while (!is_over(m) && db_next(m->core->db, st)) {
        int64_t row[2] = { sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1) };

        add_hash(m, row, ARRAY_LEN(row));
        note(m, graph_add_redirect(m->graph, row[0], row[1]));
    }
    db_done(st);
}

/* The next page that has links, in the order of its set of them. */
static bool next_owner(struct metrics *m)
{
    if (m->roll) {
        while (m->roll_at < m->n_roll && !m->roll[m->roll_at].links_id)
            m->roll_at++;
        if (m->roll_at == m->n_roll)
            return false;
        m->owner_set = m->roll[m->roll_at].links_id;
        m->owner = m->roll[m->roll_at++].url_id;
        return true;
    }
    if (!db_next(m->core->db, m->owners))
        return false;
    m->owner_set = sqlite3_column_int64(m->owners, 0);
    m->owner = sqlite3_column_int64(m->owners, 1);
    return true;
}

/* The page of a set, 0 if there is none. Sets come in rising order, as the pages do: neither looks back. */
static int64_t find_owner(struct metrics *m, int64_t set)
{
    while (m->owner_set < set && next_owner(m))
        ;
    return m->owner_set == set ? m->owner : 0;
}

static void begin_set(struct metrics *m, int64_t set)
{
    m->set = set;
    m->src = find_owner(m, set);
}

/* Those of a set without a page are nobody's. */
static void add_link(struct metrics *m, int64_t dst, bool passes_rank)
{
    note(m, graph_add_link(m->graph, m->src, dst, passes_rank));
    if (++m->n_links % LOOK_EVERY == 0)
        check_stop(m);
}

/* The SQL function that is called with each link; half the cost of fetching rows. */
static void on_link(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct metrics *m = sqlite3_user_data(ctx);
    int64_t set = sqlite3_value_int64(argv[0]);

    if (is_over(m))
        return;
    if (set != m->set)
        begin_set(m, set);
    if (!m->src)
        return;
    add_link(m, sqlite3_value_int64(argv[1]), links_passes_rank(sqlite3_value_int64(argv[2])));
    if (argc > 3)
        anchors_used_add(&m->anchors, sqlite3_value_int64(argv[3]));
}

static void on_links_end(sqlite3_context *ctx)
{
    (void)ctx;
}

static void read_from_file(struct metrics *m)
{
    /* In the order in which they lie in the file; a join would read the page again for each. */
    static const char WITH_ANCHORS[] = "SELECT graph_link(set_id, dst_id, bits, anchor_id) FROM outlink NOT INDEXED",
                      WITHOUT[] = "SELECT graph_link(set_id, dst_id, bits) FROM outlink NOT INDEXED";
    struct db *d = m->core->db;

    if (sqlite3_create_function_v2(d->handle, "graph_link", -1,
                                   SQLITE_UTF8 | SQLITE_DIRECTONLY, m, NULL, on_link,
                                   on_links_end, NULL)) {
        note(m, ERR_NO_MEMORY);
        return;
    }
    db_value(d, m->reads_anchors ? WITH_ANCHORS : WITHOUT, 0);
    sqlite3_create_function_v2(d->handle, "graph_link", -1, SQLITE_UTF8, NULL, NULL,
                               NULL, NULL, NULL);
}

/* The same links in the same order. */
static void read_from_memory(struct metrics *m)
{
    const struct recall *recall = m->recall;

    for (size_t s = 0; s < recall_n_sets(recall) && !is_over(m); s++) {
        int64_t set;
        size_t n;
        const struct recall_link *links = recall_links(recall, s, &set, &n);

        begin_set(m, set);
        for (size_t i = 0; m->src && i < n && !is_over(m); i++)
            add_link(m, recall_dst(links[i]), recall_passes_rank(links[i]));
    }
    m->n_recalled = m->n_links;
}

/* All links there are, if they are in memory. Their texts are not: where those are asked for, the file is read. */
static const struct recall *recall_all(const struct metrics *m)
{
    const struct recall *recall = m->reads_anchors ? NULL : links_recall(m->core);

    if (!recall || db_value(m->core->db, "SELECT min(id) FROM outlink", 0) != recall_first(recall))
        return NULL;
    return recall;
}

static void read_links(struct metrics *m)
{
    static const char OWNERS[] = "SELECT links_id, url_id FROM page INDEXED BY page_by_links"
                                 " WHERE links_id > 0 ORDER BY links_id";

    note(m, graph_settle(m->graph));
    if (m->reads_anchors)
        note(m, anchors_used_init(m->core, &m->anchors));
    if (is_over(m))
        return;
    if (!m->roll)
        m->owners = db_stmt(m->core->db, OWNERS);
    if (m->recall)
        read_from_memory(m);
    else
        read_from_file(m);
    if (m->owners)
        db_done(m->owners);
}

/* What of them is in memory. */
static void choose_sources(struct metrics *m)
{
    /* Where none are, a quarter of what reading all links costs is saved. */
    m->reads_anchors = anchors_may_be_loose(m->core);
    m->recall = recall_all(m);
    if (m->recall)
        m->roll = roll_pages(m->core->roll, &m->n_roll);
}

/* --- writing ----------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    const struct near_page *x = a, *y = b;

    return x->id < y->id ? -1 : x->id > y->id;
}

/* Leaves the pages that are in a cluster, by id. */
static void keep_clustered(struct metrics *m)
{
    size_t n = 0;

    for (size_t i = 0; i < m->n_pages; i++)
        if (m->pages[i].cluster)
            m->pages[n++] = m->pages[i];
    m->n_pages = n;
    if (n)
        qsort(m->pages, n, sizeof *m->pages, by_id);
}

static int by_hash(const void *a, const void *b)
{
    const struct body *x = a, *y = b;

    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static int by_body_id(const void *a, const void *b)
{
    const struct body *x = a, *y = b;

    return x->id < y->id ? -1 : x->id > y->id;
}

/* Counts the copies of each body and leaves the pages of those with several, by id. */
static void keep_copies(struct metrics *m)
{
    size_t n = 0, end;

    if (m->n_bodies)
        qsort(m->bodies, m->n_bodies, sizeof *m->bodies, by_hash);
    for (size_t i = 0; i < m->n_bodies; i = end) {
        end = i + 1;
        while (end < m->n_bodies && m->bodies[end].hash == m->bodies[i].hash)
            end++;
        for (size_t k = i; end - i > 1 && k < end; k++) {
            m->bodies[n] = m->bodies[k];
            m->bodies[n++].copies = (uint32_t)(end - i);
        }
    }
    m->n_bodies = n;
    if (n)
        qsort(m->bodies, n, sizeof *m->bodies, by_body_id);
}

static void write_rows(struct metrics *m, int64_t max_id)
{
    static const char SQL[] =
        "INSERT INTO metric (url_id, pagerank, links_in, pages_in, cluster_id,"
        " copies) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    struct db *d = m->core->db;
    size_t at = 0, body = 0;

    keep_clustered(m);
    keep_copies(m);
    for (int64_t id = 1; id <= max_id && !d->failed; id++) {
        struct graph_node node = graph_get(m->graph, id);
        bool is_clustered = at < m->n_pages && m->pages[at].id == id;
        bool has_copies = body < m->n_bodies && m->bodies[body].id == id;
        sqlite3_stmt *st;

        if (!node.links_in && !node.has_page)
            continue;
        st = db_stmt(d, SQL);
        db_int(d, st, 1, id);
        if (node.has_page)
            db_real(d, st, 2, node.rank);
        else
            db_id(d, st, 2, 0);
        db_int(d, st, 3, node.links_in);
        db_int(d, st, 4, node.pages_in);
        db_id(d, st, 5, is_clustered ? m->pages[at].cluster : 0);
        db_id(d, st, 6, has_copies ? m->bodies[body].copies : 0);
        db_run(d, st);
        at += is_clustered;
        body += has_copies;
    }
}

static void write_pairs(struct metrics *m)
{
    static const char SQL[] =
        "INSERT INTO near_pair (a_id, b_id, distance) VALUES (?1, ?2, ?3)";
    struct db *d = m->core->db;

    for (size_t i = 0; i < m->near.n_pairs && !d->failed; i++) {
        sqlite3_stmt *st = db_stmt(d, SQL);

        db_int(d, st, 1, m->near.pairs[i].a);
        db_int(d, st, 2, m->near.pairs[i].b);
        db_int(d, st, 3, m->near.pairs[i].distance);
        db_run(d, st);
    }
}

static void write_meta(struct metrics *m, struct span name, int64_t value)
{
    struct db *d = m->core->db;
    sqlite3_stmt *st =
        db_stmt(d, "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)");

    db_text(d, st, 1, name);
    db_int(d, st, 2, value);
    db_run(d, st);
}

/* --- all of it --------------------------------------------------------------------------- */

static bool is_same(struct metrics *m)
{
    sqlite3_stmt *st = db_stmt(
        m->core->db, "SELECT 1 FROM meta WHERE name = 'metrics_of' AND value = ?1");
    bool found;

    db_int(m->core->db, st, 1, (int64_t)m->hash);
    found = db_next(m->core->db, st);
    db_done(st);
    return found;
}

static void compute(struct metrics *m, struct store_op *op)
{
    read_links(m);
    check_stop(m);
    if (!is_over(m))
        note(m, graph_rank(m->graph, m->stop, &op->u.graph.passes));
    if (!is_over(m))
        note(m, near_find(m->pages, m->n_pages, m->stop, &m->near));
    check_stop(m);
}

static void rewrite(struct metrics *m, int64_t max_id)
{
    db_exec(m->core->db, "DELETE FROM metric; DELETE FROM near_pair");
    write_rows(m, max_id);
    write_pairs(m);
    write_meta(m, SPAN("metrics_of"), (int64_t)m->hash);
    if (m->reads_anchors)
        anchors_prune(m->core, &m->anchors);
}

enum err metrics_update(struct core *c, struct store_op *op)
{
    struct metrics m = { .core = c, .stop = op->u.graph.stop, .hash = COMPUTATION };
    int64_t max_id = db_value(c->db, "SELECT max(id) FROM url", 0);

    if (tally_is_sparse(c, max_id))
        note(&m, ERR_TOO_LARGE);
    else
        m.graph = graph_new(max_id);
    if (!m.graph && !m.failed)
        note(&m, ERR_NO_MEMORY);
    choose_sources(&m);
    read_pages(&m);
    read_redirects(&m);
    if (!is_over(&m) && !is_same(&m)) {
        compute(&m, op);
        if (!is_over(&m))
            rewrite(&m, max_id);
        op->u.graph.is_new = !is_over(&m);
        op->u.graph.n_links = (int64_t)m.n_links;
        op->u.graph.n_recalled = (int64_t)m.n_recalled;
        op->u.graph.n_in_roll = (int64_t)m.n_roll;
        op->u.graph.n_clusters = (int64_t)m.near.n_clusters;
    }
    if (!is_over(&m))
        write_meta(&m, SPAN("metrics_run"), c->run_id);
    op->u.graph.n_pages = m.graph ? (int64_t)graph_n_pages(m.graph) : 0;
    op->u.graph.skipped = m.failed;
    anchors_used_clear(&m.anchors);
    mem_free(m.near.pairs);
    mem_free(m.pages);
    mem_free(m.bodies);
    graph_free(m.graph);
    return c->db->failed;
}
