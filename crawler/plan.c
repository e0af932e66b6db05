/* SPDX-License-Identifier: MIT */
#include "crawler/plan.h"

#include "config/map.h"
#include "config/mem.h"
#include "crawler/lookup.h"
#include "crawler/sitemaps.h"

#define MAX_AT_ONCE   ((size_t)32) /* hosts that are asked side by side */
#define MAX_SITEMAPS  ((size_t)1000)
#define HOST_BYTES    ((size_t)64 * MIB)
#define URL_BYTES     ((size_t)64 * KIB)

/* A sitemap still to be read. */
struct todo {
    struct url url;
    int level;
    struct todo *next;
};

/* One host while it is asked. */
struct asking {
    struct lookup look; /* with an arena of its own */
    struct arena mem;
    struct plan_host *h;
    const struct seeds *seeds;
    struct lookup_rules rules;
    struct idmap seen;  /* hashes of the keys of listed URLs, and of sitemaps */
    struct idmap asked; /* of the keys of seeds that would be fetched */
    struct todo *first, *last;
    size_t n_todo;
    bool is_asked_to_pause; /* by 429 or 503: nothing more is asked */
};

struct making {
    struct plan *p;
    const struct seeds *seeds;
    struct lookup *l;
    struct plan_host *next;
    struct tracker open;
    bool has_failed;
};

/* --- hosts -------------------------------------------------------------------------- */

static bool is_of_host(const struct plan_host *h, const struct url *u)
{
    return (u->scheme == URL_HTTPS) == h->is_https && url_port(u) == h->port &&
           span_eq(url_hostname(u), url_hostname(&h->url));
}

void plan_init(struct plan *p, const struct seeds *seeds)
{
    struct plan_host **end = &p->hosts;
    struct map by_origin;

    *p = (struct plan){ 0 };
    arena_init(&p->mem, seeds->len * (sizeof(struct plan_host) + _Alignof(max_align_t)));
    map_init(&by_origin);
    for (size_t i = 0; i < seeds->len; i++) {
        const struct url *u = &seeds->items[i].url;
        struct span origin = span_slice(u->href, 0, u->path_start);
        struct plan_host *h;

        if (map_get(&by_origin, origin))
            continue;
        h = arena_alloc(&p->mem, sizeof *h);
        *h = (struct plan_host){ .url = *u,
                                 .is_https = u->scheme == URL_HTTPS,
                                 .port = url_port(u),
                                 .known = -1,
                                 .due = -1,
                                 .mean_bytes = -1,
                                 .mean_ms = -1 };
        map_set(&by_origin, origin, h);
        *end = h;
        end = &h->next;
        p->n_hosts++;
    }
    map_clear(&by_origin);
}

void plan_clear(struct plan *p)
{
    arena_clear(&p->mem);
}

static enum err on_known(void *arg, const struct span *columns,
                         const struct reader_value *values, size_t n)
{
    struct plan *p = arg;

    (void)columns;
    if (!values)
        return OK;
    BUG_IF(n < N_READER_KNOWN_COLUMNS);
    for (struct plan_host *h = p->hosts; h; h = h->next) {
        if (values[READER_KNOWN_PORT].integer != h->port ||
            span_eq(values[READER_KNOWN_SCHEME].text, SPAN("https")) != h->is_https ||
            !span_eq(values[READER_KNOWN_HOST].text, url_hostname(&h->url)))
            continue;
        h->known = values[READER_KNOWN_PAGES].integer;
        h->urls = values[READER_KNOWN_URLS].integer;
        h->due = values[READER_KNOWN_DUE].integer;
        if (values[READER_KNOWN_MEAN_BYTES].type == READER_INTEGER)
            h->mean_bytes = values[READER_KNOWN_MEAN_BYTES].integer;
        if (values[READER_KNOWN_MEAN_MS].type == READER_INTEGER)
            h->mean_ms = values[READER_KNOWN_MEAN_MS].integer;
    }
    return OK;
}

enum err plan_read(struct plan *p, const struct settings *s, struct reader *r, struct err_note *note)
{
    static const char *const words[] = { [REVISIT_ALL] = "all", [REVISIT_DUE] = "due", [REVISIT_NONE] = "none" };
    struct span revisit = span_str(words[s->revisit]);
    enum err e;

    for (struct plan_host *h = p->hosts; h; h = h->next)
        h->known = h->due = 0;
    e = reader_query(r, span_str(reader_prospects[PROSPECT_KNOWN].sql), &revisit, 1, on_known, p, note);
    for (struct plan_host *h = p->hosts; s->is_fresh && h; h = h->next)
        h->urls = h->due = h->known; /* there will be as many again */
    return e;
}

/* --- sitemaps ----------------------------------------------------------------------- */

static uint64_t hash_of(struct span text)
{
    uint64_t hash = map_hash(text, 0);

    return hash ? hash : 1;
}

/* False when it was there already. */
static bool is_first(struct idmap *seen, struct span text)
{
    if (idmap_get(seen, hash_of(text)))
        return false;
    idmap_set(seen, hash_of(text), seen);
    return true;
}

static bool is_allowed(const struct asking *a, const struct url *u)
{
    const struct robots_rule *rule;

    return !a->rules.rules || robots_allows(a->rules.rules, url_target(u), &rule);
}

/* Sitemaps of the host itself only: what others' rules say is not known here. */
static const char *refusal(void *arg, const struct url *u, struct arena *mem)
{
    const struct asking *a = arg;

    (void)mem;
    if (!is_of_host(a->h, u))
        return "other origin";
    return is_allowed(a, u) ? NULL : "robots";
}

static void append_todo(struct asking *a, const struct url *u, int level)
{
    struct todo *t = arena_alloc(&a->mem, sizeof *t);

    *t = (struct todo){ .url = *u, .level = level };
    t->url.href = arena_copy(&a->mem, u->href);
    *(a->last ? &a->last->next : &a->first) = t;
    a->last = t;
    a->n_todo++;
}

/* An index may name 50,000: only what will be asked for takes room. */
static void add_todo(struct asking *a, struct span text, int level)
{
    struct arena mem;
    struct url u;

    if (a->n_todo >= MAX_SITEMAPS)
        return;
    arena_init(&mem, URL_BYTES);
    if (!url_parse(text, &a->h->url, &mem, &u) && !url_page(&u, &mem, &u) &&
        !refusal(a, &u, &mem) && is_first(&a->seen, u.href))
        append_todo(a, &u, level);
    arena_clear(&mem);
}

/* An entry that a crawl would fetch, and that no other was yet. */
static bool counts(struct asking *a, struct span loc, struct arena *mem)
{
    struct scope_verdict verdict;
    struct span key;
    struct url u;

    if (url_parse(loc, NULL, mem, &u) || url_page(&u, mem, &u) ||
        !is_of_host(a->h, &u) || url_normalize(&u, mem, &key))
        return false;
    scope_decide(a->look.c->scope, &u, 1, mem, &verdict);
    if (verdict.reason || !is_allowed(a, &u) || !is_first(&a->seen, key))
        return false;
    if (idmap_get(&a->asked, hash_of(key)))
        a->h->pages--; /* a seed: it counts here, and once */
    return true;
}

static void take_sitemap(struct asking *a, const struct todo *t,
                         const struct sitemap *map)
{
    struct arena mem;

    a->h->sitemaps += map->type != SITEMAP_NONE;
    arena_init(&mem, URL_BYTES);
    for (size_t i = 0; i < map->n_urls; i++) {
        const struct sitemap_entry *entry = &map->urls[i];

        a->h->listed += counts(a, entry->loc, &mem);
        for (size_t n = 0; n < entry->n_alternates; n++) {
            arena_reset(&mem);
            a->h->listed += counts(a, entry->alternates[n], &mem);
        }
        arena_reset(&mem);
    }
    arena_clear(&mem);
    for (size_t i = 0; i < map->n_sitemaps && t->level < SITEMAPS_MAX_LEVEL; i++)
        add_todo(a, map->sitemaps[i].loc, t->level + 1);
}

static enum err parse_sitemap(struct asking *a, const struct todo *t,
                              struct document *doc)
{
    struct job job = { .kind = JOB_SITEMAP,
                       .url = doc->url.href,
                       .content_type = doc->result.content_type,
                       .content_encoding = doc->result.content_encoding,
                       .max_decoded_bytes = SITEMAP_MAX_BYTES };
    struct pool_job *answer;
    struct span why;
    enum err e =
        pool_run(a->look.c->pool, &job, &doc->result.body, DEADLINE_NEVER, &answer);

    if (e)
        return e;
    if (pool_job_failure(answer, &why) == POOL_OK) {
        const struct sitemap map = sitemaps_whole_entries(doc, pool_job_answer(answer));

        take_sitemap(a, t, &map);
    }
    pool_job_free(answer);
    return OK;
}

static enum err read_sitemap(struct asking *a, const struct todo *t)
{
    struct document_way way = { .max_redirects = DOCUMENT_MAX_REDIRECTS,
                                .refusal = refusal,
                                .arg = a };
    struct document doc;
    struct arena mem;
    enum err e;

    arena_init(&mem, HOST_BYTES);
    e = document_fetch(a->look.c, &t->url, &way, &mem, DEADLINE_NEVER, &doc);
    if (!e && sitemaps_have_come(&doc))
        e = parse_sitemap(a, t, &doc);
    if (!e) {
        a->is_asked_to_pause =
            doc.result.status_code == 429 || doc.result.status_code == 503;
        bodies_free(a->look.c->bodies, &doc.result.body);
    }
    arena_clear(&mem);
    return e;
}

/* --- one host ----------------------------------------------------------------------- */

static void count_seeds(struct asking *a, bool is_reachable)
{
    for (size_t i = 0; i < a->seeds->len; i++) {
        const struct url *u = &a->seeds->items[i].url;
        bool may = is_reachable && is_allowed(a, u);
        struct arena mem;
        struct span key;

        if (!is_of_host(a->h, u))
            continue;
        a->h->allowed += may;
        a->h->disallowed += !may;
        arena_init(&mem, URL_BYTES);
        if (may && !url_normalize(u, &mem, &key) && is_first(&a->asked, key))
            a->h->pages++;
        arena_clear(&mem);
    }
}

/* The pause that holds between two requests, but for the time that answers take. */
static int64_t delay_of(struct asking *a)
{
    struct politeness *politeness = frontier_politeness(a->look.c->frontier);
    struct site *site =
        politeness_site(politeness, url_hostname(&a->h->url), url_port(&a->h->url));

    if (a->rules.rules)
        politeness_set_crawl_delay(politeness, site, a->rules.rules->crawl_delay_ms);
    return MAX(site->delay_ms, site->crawl_delay_ms);
}

static enum err ask_host(struct asking *a)
{
    static const char *const words[] = { [LOOKUP_RULES] = "rules",
                                         [LOOKUP_NO_RULES] = "none",
                                         [LOOKUP_UNREADABLE] = "unreadable",
                                         [LOOKUP_UNREACHABLE] = "unreachable" };
    bool obeys = !a->look.c->settings->has_no_robots;
    enum err e = obeys ? lookup_ask_robots(&a->look, &a->h->url, &a->rules) : OK;

    if (e)
        return e;
    a->h->robots = obeys ? words[a->rules.meaning] : "not obeyed";
    a->h->delay_ms = delay_of(a);
    count_seeds(a, !obeys || a->rules.rules);
    if (a->rules.rules && !a->look.c->settings->has_no_sitemaps)
        for (size_t i = 0; i < a->rules.rules->n_sitemaps; i++)
            add_todo(a, a->rules.rules->sitemaps[i], 1);
    for (const struct todo *t = a->first; !e && t && !a->is_asked_to_pause; t = t->next)
        e = read_sitemap(a, t);
    return e;
}

static intptr_t host_main(void *arg)
{
    struct making *m = arg;

    while (m->next && !m->has_failed) {
        struct asking a = { .look = *m->l, .h = m->next, .seeds = m->seeds };

        m->next = m->next->next;
        arena_init(&a.mem, HOST_BYTES);
        idmap_init(&a.seen);
        idmap_init(&a.asked);
        a.look.mem = &a.mem;
        m->has_failed |= ask_host(&a) != OK;
        lookup_forget_robots(&a.rules);
        idmap_clear(&a.seen);
        idmap_clear(&a.asked);
        arena_clear(&a.mem);
    }
    tracker_done(&m->open);
    return 0;
}

/* --- all of them -------------------------------------------------------------------- */

/*
 * How long pages take, one after another, or with as many permits as there are where no pause keeps them apart: it runs
 * from the end of each request. -1: not known.
 */
static int64_t duration_of(const struct plan_host *h, const struct site *site)
{
    int64_t response = MAX(h->mean_ms, 0), each = 0;

    if (!h->delay_ms && h->mean_ms < 0)
        return h->pages ? -1 : 0;
    if (site->per_host == 1 || site->delay_ms)
        each = response + MAX(h->delay_ms, site->delay_ms ? response : 0);
    else
        each = MAX(h->delay_ms, response / site->per_host);
    return h->pages * each;
}

static void estimate_host(const struct settings *s, struct plan_host *h,
                          const struct site *site)
{
    const struct host_settings *own = settings_for_host(s, url_hostname(&h->url));
    int64_t most = own && own->max_pages_per_host != -2 ? own->max_pages_per_host
                                                        : s->max_pages_per_host;

    h->basis = h->listed ? PLAN_SITEMAPS : PLAN_SEEDS;
    h->pages += h->listed;
    if (h->allowed && h->urls > 0) {
        int64_t news = MAX(0, h->pages - h->urls); /* the others are known, and asked for when due */

        h->basis = news ? PLAN_BOTH : PLAN_DATABASE;
        h->pages = h->due + news;
    }
    if (most >= 0)
        h->pages = MIN(h->pages, most);
    h->bytes = !h->pages ? 0 : h->mean_bytes < 0 ? -1 : h->pages * h->mean_bytes;
    h->duration_ms = duration_of(h, site);
}

static void estimate(struct plan *p, struct crawl *c)
{
    for (struct plan_host *h = p->hosts; h; h = h->next) {
        estimate_host(c->settings, h,
                      politeness_site(frontier_politeness(c->frontier),
                                      url_hostname(&h->url), url_port(&h->url)));
        p->pages += h->pages;
        p->bytes = p->bytes < 0 || h->bytes < 0 ? -1 : p->bytes + h->bytes;
        p->duration_ms = p->duration_ms < 0 || h->duration_ms < 0
                             ? -1
                             : MAX(p->duration_ms, h->duration_ms);
    }
}

static intptr_t plan_main(void *arg)
{
    struct lookup *l = arg;
    struct making m = *(const struct making *)l->arg;
    size_t n = MIN(m.p->n_hosts, MAX_AT_ONCE);

    m.l = l;
    tracker_init(&m.open);
    for (size_t i = 0; i < m.seeds->len; i++)
        scope_add_seed(l->c->scope, &m.seeds->items[i].url);
    for (size_t i = 0; i < n; i++) {
        tracker_add(&m.open);
        if (group_spawn(l->c->group, "plan", host_main, &m, NULL)) {
            tracker_done(&m.open);
            m.has_failed |= i == 0;
        }
    }
    if (tracker_wait(&m.open, DEADLINE_NEVER))
        m.has_failed = true;
    estimate(m.p, l->c);
    l->exit_code = m.has_failed ? 3 : 0;
    sched_stop(l->c->sched);
    return 0;
}

int plan_make(struct plan *p, const struct settings *s, const struct seeds *seeds)
{
    struct making m = { .p = p, .seeds = seeds, .next = p->hosts };

    return lookup_run(s, "plan", seeds->items[0].url.href.ptr, plan_main, &m);
}
