/* SPDX-License-Identifier: MIT */
#include "crawler/parts.h"

#include <errno.h>

#include "config/clock.h"
#include "config/io.h"
#include "config/log.h"
#include "config/mem.h"
#include "crawler/archive.h"
#include "crawler/ask.h"
#include "crawler/credentials.h"
#include "crawler/dictionary.h"
#include "crawler/discover.h"
#include "crawler/extract.h"
#include "crawler/networks.h"
#include "crawler/outbox.h"
#include "crawler/quarantine.h"
#include "crawler/rescope.h"
#include "crawler/robots_gate.h"
#include "crawler/sitemaps.h"
#include "crawler/versions.h"
#include "fetch/dns.h"

/* Descriptors for the database, pipes, name service and files; and those of each parser. */
#define OTHER_FILES  40
#define PARSER_FILES 3
/* Of those, what is opened when the rest is: the store's wake-up, two sockets for a name and one for a request. */
#define LATER_FILES 4
#define MAX_KNOWN_BYTES (64 * MIB)
#define MAX_TICKETS     200000
#define TICKET_BYTES    256
#define JOB_TIMEOUT_MS  INT64_C(5000) /* by the clock; no less than PARSE_SHARE times --parse-time */
#define PARSE_SHARE      2
#define WORKER_WINDOW    32
#define WORKER_MEMORY    (512 * MIB)
#define WORKER_JOBS      20000
#define MAX_HEADER_BYTES (300 * KIB)
#define MAX_HEADERS      5000
#define FIRST_RETRY_MS   1000
#define LONGEST_RETRY_MS 60000

/* --- settings worked out --------------------------------------------------------- */

/* Our name in robots.txt: the user agent up to the first character that is no letter, '-' or '_'. */
static struct span product_token(struct span agent)
{
    size_t n = 0;

    while (n < agent.len && (agent.ptr[n] == '-' || agent.ptr[n] == '_' ||
                             (span_ascii_lower(agent.ptr[n]) >= 'a' &&
                              span_ascii_lower(agent.ptr[n]) <= 'z')))
        n++;
    return span_slice(agent, 0, n);
}

static enum err name_ourselves(struct crawl *c, struct err_note *note)
{
    const struct settings *s = c->settings;

    if (s->user_agent)
        c->user_agent = span_str(s->user_agent);
    else if (s->contact)
        c->user_agent =
            arena_format(&c->mem, "crawl/%s (+%s)", CRAWL_VERSION, s->contact);
    else
        c->user_agent = SPAN("crawl/" CRAWL_VERSION);
    c->product_token = product_token(c->user_agent);
    if (!c->product_token.len)
        return err_set(
            note, ERR_USAGE,
            "--user-agent must begin with a name made of letters, '-' and '_'");
    return OK;
}

/* --- opening ------------------------------------------------------------------------ */

static enum err open_store(struct crawl *c, struct err_note *note)
{
    const struct settings *s = c->settings;
    int64_t index_bytes = MIN(s->max_memory / 16, 64 * MIB);
    struct store_options options = { .path = s->db,
                                     .is_fresh = s->is_fresh,
                                     .is_durable = s->is_durable,
                                     .keeps_text = !s->has_no_text,
                                     .keeps_bodies = s->store_bodies != BODIES_NONE,
                                     .lock_wait_ms = s->lock_wait_ms,
                                     .min_free_bytes = s->min_free,
                                     .index_bytes = (size_t)index_bytes,
                                     .revisit_min_ms = s->revisit_min_ms,
                                     .revisit_max_ms = s->revisit_max_ms,
                                     .keep_history = (int)s->keep_history,
                                     .max_depth = s->depth < 0 ? -1 : (int)s->depth,
                                     .respects_nofollow = s->respects_nofollow,
                                     .follows_embeds = s->follows_embeds,
                                     .keeps_cookies = s->uses_cookies || s->load_cookies };

    return store_open(&options, &c->store, note);
}

/* The views that the extraction sections ask for, in c->mem. */
static const struct store_view *list_views(struct crawl *c)
{
    const struct settings *s = c->settings;
    struct store_view *views = arena_array(&c->mem, s->n_extracts + 1, sizeof *views);

    for (size_t i = 0; i < s->n_extracts; i++) {
        const struct extract_section *section = &s->extracts[i];
        struct span *columns =
            arena_array(&c->mem, section->n_rules + 1, sizeof *columns);

        for (size_t k = 0; k < section->n_rules; k++)
            columns[k] = span_str(section->rules[k].name);
        views[i] =
            (struct store_view){ span_str(section->name), columns, section->n_rules };
    }
    return views;
}

static enum err begin_run(struct crawl *c, struct err_note *note)
{
    struct store_run_params params = { .version = SPAN(CRAWL_VERSION),
                                       .views = list_views(c),
                                       .n_views = c->settings->n_extracts,
                                       .revisit =
                                           (enum store_revisit)c->settings->revisit,
                                       .now_wall_ms = clock_wall_ms() };
    struct buf json, rules;
    enum err e;

    buf_init(&json, (size_t)MIB);
    buf_init(&rules, (size_t)MIB);
    e = settings_to_json(c->settings, &json);
    if (!e)
        e = buf_append(&rules, SPAN(CRAWL_VERSION)); /* another one may know other traps */
    if (!e)
        e = settings_rules_to_json(c->settings, &rules);
    params.settings_json = buf_span(&json);
    params.rules = buf_span(&rules);
    if (!e)
        e = store_begin_run(c->store, &params, &c->run, note);
    buf_clear(&rules);
    buf_clear(&json);
    c->pages_done = c->run.used_pages;
    c->bytes_done = c->run.used_bytes;
    return e;
}

static void add_stored_seed(void *arg, struct span text)
{
    struct crawl *c = arg;
    struct arena mem;
    struct url u;

    arena_init(&mem, (size_t)MIB);
    if (url_parse(text, NULL, &mem, &u) == OK && url_is_web(&u) && u.href.len <= SCOPE_MAX_URL) {
        scope_add_seed(c->scope, &u);
        credentials_add_seed(c->credentials, &u);
    }
    arena_clear(&mem);
}

/* out_is_news: the scope is wider than that of the stored seeds. */
static enum err add_seeds(struct crawl *c, const struct seeds *seeds, bool *out_is_news,
                          struct err_note *note)
{
    enum err e = store_each_seed(c->store, add_stored_seed, c, note);

    for (size_t i = 0; !e && i < seeds->len; i++) {
        *out_is_news |= scope_add_seed(c->scope, &seeds->items[i].url);
        credentials_add_seed(c->credentials, &seeds->items[i].url);
    }
    return e;
}

/*
 * --max-size, or what a body can grow to while it is alone in the memory for
 * bodies: one that never fits would be asked for again and again.
 */
static size_t longest_body(struct crawl *c)
{
    return MIN((size_t)c->settings->max_size, bodies_size(c->bodies) / 2);
}

static enum err open_network(struct crawl *c, struct err_note *note)
{
    const struct settings *s = c->settings;
    struct fetcher_options options = { .connect_timeout_ms = s->connect_timeout_ms,
                                       .first_byte_timeout_ms =
                                           s->first_byte_timeout_ms,
                                       .total_timeout_ms = s->timeout_ms,
                                       .low_speed_bytes = s->low_speed_bytes,
                                       .low_speed_ms = s->low_speed_ms,
                                       .max_body_bytes = longest_body(c),
                                       .max_header_bytes = (size_t)MAX_HEADER_BYTES,
                                       .max_headers = MAX_HEADERS,
                                       .max_heads_bytes = (size_t)s->max_memory / 16,
                                       .max_tls_bytes = (size_t)s->max_memory / 4,
                                       .concurrency = (size_t)c->concurrency,
                                       .user_agent = c->user_agent,
                                       .proxy = span_str(s->proxy),
                                       .ca_file = span_str(s->ca_file),
                                       .addresses = &c->addresses };
    enum err e;

    e = dns_open(c->sched, span_str(s->dns_servers), &c->dns, note);
    if (!e)
        e = fetcher_open(c->sched, &options, c->dns, c->bodies, &c->fetcher, note);
    return e;
}

/* A page that parsers died of has its own event; that it was not parsed, its visit says. */
static void on_victim(void *arg, const struct pool_victim *v)
{
    struct crawl *c = arg;
    char path[QUARANTINE_PATH_SIZE];
    struct err_note note = { "" };
    enum err e = quarantine_add(c->quarantine, v, path, &note);

    if (e == ERR_UNSUPPORTED)
        return;
    crawl_event(c, "warn", "parser", e ? "page-not-kept" : "page-quarantined", 0,
                "%.*s: %s; %s", SPAN_ARG(v->job->url), v->why, e ? note.text : path);
}

static enum err open_parsers(struct crawl *c, struct err_note *note)
{
    const struct settings *s = c->settings;
    int64_t timeout_ms = MAX(JOB_TIMEOUT_MS, s->parse_time_ms * PARSE_SHARE);
    struct pool_options options = { .workers = (size_t)s->workers,
                                    .window = WORKER_WINDOW,
                                    .job_timeout_ms = timeout_ms,
                                    .job_cpu_ms = s->parse_time_ms,
                                    .worker_memory_bytes = (size_t)WORKER_MEMORY,
                                    .recycle_after_jobs = WORKER_JOBS,
                                    .has_no_sandbox = s->has_no_sandbox };

    if (c->store) {
        c->quarantine = quarantine_new(s->db, (size_t)s->quarantine);
        options.on_victim = on_victim;
        options.victim_arg = c;
    }
    return pool_open(c->sched, &options, c->bodies, &c->pool, note);
}

static enum err open_runtime(struct crawl *c, struct err_note *note)
{
    enum err e = loop_open(&c->loop, note);

    if (!e)
        e = sched_open(c->loop, &c->sched, note);
    if (e)
        return e;
    c->group = group_new(c->sched, NULL);
    group_set_detached(c->group);
    return bodies_open((size_t)c->settings->max_memory / 4, &c->bodies, note);
}

static enum err open_frontier(struct crawl *c, struct err_note *note)
{
    const struct settings *s = c->settings;
    struct frontier_options options = { .order = (enum store_order)s->order,
                                        .max_pages_per_host = s->max_pages_per_host };

    options.max_tickets = (size_t)MIN(s->max_memory / 32 / TICKET_BYTES, MAX_TICKETS);
    c->frontier = frontier_new(c->loop, s, &options, outbox_refill, c);
    robots_gate_open(c);
    sitemaps_open(c);
    map_init(&c->ip_permits);
    return known_open((size_t)MIN(s->max_memory / 64, MAX_KNOWN_BYTES), &c->known, note);
}

/* --- queued hosts --------------------------------------------------------------------- */

/* Origins met before the writer runs; their queues may be read only afterwards. */
struct origins {
    struct arena mem;
    struct store_origin *items;
    size_t len, cap;
};

static void collect_origin(void *arg, const struct store_origin *origin)
{
    struct origins *o = arg;

    if (o->len == o->cap) {
        size_t cap = o->cap ? o->cap * 2 : 64;
        struct store_origin *grown = mem_array(cap, sizeof *grown);

        for (size_t i = 0; i < o->len; i++)
            grown[i] = o->items[i];
        mem_free(o->items);
        o->items = grown;
        o->cap = cap;
    }
    o->items[o->len] = *origin;
    o->items[o->len++].host = arena_copy(&o->mem, origin->host);
}

static void notify_loop(void *arg)
{
    loop_wakeup_signal(arg);
}

static void on_store_wakeup(void *arg)
{
    outbox_collect(arg);
}

/*
 * After a start that follows closely on an earlier request (a crash, a quick
 * restart), no known host is asked before its delay has passed once more.
 */
static void keep_distance(struct crawl *c, struct host *h)
{
    int64_t gap_ns = politeness_gap_ns(h->site);
    /* What is known is when the last request began; it may have taken all its time. */
    int64_t recent_ms = gap_ns / NS_PER_MS + c->settings->timeout_ms;

    if (c->run.was_crash || clock_wall_ms() - c->run.last_ended_ms < recent_ms)
        politeness_hold(frontier_politeness(c->frontier), h->site,
                        clock_after(loop_now(c->loop), gap_ns));
}

/* Is o still one that we may ask for its sitemaps? */
static bool is_in_scope(struct crawl *c, const struct store_origin *o)
{
    struct arena mem;
    struct url u;
    bool is_ours = false;

    arena_init(&mem, (size_t)64 * KIB);
    if (url_parse(arena_format(&mem, "%s://%.*s:%u/", o->is_https ? "https" : "http",
                               SPAN_ARG(o->host), o->port),
                  NULL, &mem, &u) == OK)
        is_ours = scope_has_origin(c->scope, &u, &mem);
    arena_clear(&mem);
    return is_ours;
}

/* Nothing may be queued where sitemaps say what is due and new, or where an earlier start ended before they did. */
static enum err collect_sitemap_hosts(struct crawl *c, struct origins *out,
                                      struct err_note *note)
{
    if ((c->settings->revisit != REVISIT_DUE && !c->run.is_continued) || c->settings->has_no_sitemaps ||
        c->settings->has_no_robots)
        return OK;
    return store_each_sitemap_host(c->store, c->run.is_continued, collect_origin, out, note);
}

static void look_at_sitemaps(struct crawl *c, const struct origins *hosts)
{
    for (size_t i = 0; i < hosts->len; i++)
        if (is_in_scope(c, &hosts->items[i])) {
            struct host *h = frontier_host(c->frontier, &hosts->items[i], true);

            keep_distance(c, h);
            frontier_look(c->frontier, h);
        }
}

static void free_origins(struct origins *o)
{
    mem_free(o->items);
    arena_clear(&o->mem);
}

static enum err start_store(struct crawl *c, struct err_note *note)
{
    struct origins origins = { 0 }, with_sitemaps = { 0 };
    enum err e;

    arena_init(&origins.mem, (size_t)3 * GIB);
    arena_init(&with_sitemaps.mem, (size_t)3 * GIB);
    e = store_each_queued_host(c->store, collect_origin, &origins, note);
    if (!e)
        e = collect_sitemap_hosts(c, &with_sitemaps, note);
    if (!e && loop_wakeup_open(c->loop, on_store_wakeup, c, &c->store_wakeup))
        e = err_set_errno(note, ERR_IO, errno, "cannot make a wake-up for the store");
    if (!e)
        e = store_start(c->store, notify_loop, c->store_wakeup, note);
    for (size_t i = 0; !e && i < origins.len; i++)
        keep_distance(c, frontier_host(c->frontier, &origins.items[i], true));
    if (!e)
        look_at_sitemaps(c, &with_sitemaps);
    free_origins(&origins);
    free_origins(&with_sitemaps);
    return e;
}

/* --- all together --------------------------------------------------------------------------- */

/* It may be large, and nobody else would tell. */
static void tell_what_is_kept(struct crawl *c)
{
    int schema;
    const char *kept = store_kept(c->store, &schema);

    if (kept && schema)
        crawl_event(c, "warn", "store", "schema-changed", 0,
                    "%s was brought forward from schema %d; as it was, it is kept as %s until you remove it",
                    c->settings->db, schema, kept);
    else if (kept)
        crawl_event(c, "info", "store", "kept-aside", 0, "the database so far is kept as %s", kept);
}

/* Promises given up for this run stand in its record. */
static void warn_about_settings(struct crawl *c)
{
    const struct settings *s = c->settings;
    struct versions_in_use versions;
    char old[128];

    if (s->has_no_robots)
        crawl_event(c, "warn", "crawl", "no-robots", 0,
                    "robots.txt is not obeyed in this run");
    if (s->has_no_sandbox)
        crawl_event(c, "warn", "crawl", "no-sandbox", 0,
                    "parser processes run without their sandbox");
    versions_read(&versions);
    if (versions_are_old(&versions, old, sizeof old))
        crawl_event(c, "warn", "crawl", "old-library", 0, "%s", old);
    if (longest_body(c) < (size_t)s->max_size)
        crawl_event(c, "warn", "crawl", "max-size-cut", 0,
                    "bodies are cut at %zu bytes: --max-memory leaves no more",
                    longest_body(c));
    if (c->concurrency < s->concurrency)
        crawl_event(c, "warn", "crawl", "few-descriptors", 0,
                    "ulimit -n leaves room for %lld requests in flight, not %lld",
                    (long long)c->concurrency, (long long)s->concurrency);
    discover_tell_undecided(c); /* over what the file holds */
    for (size_t i = 0; i < s->insecure.len; i++)
        crawl_event(c, "warn", "crawl", "insecure", 0,
                    "the certificate of %s is not checked in this run",
                    s->insecure.items[i].text);
    if (!s->contact && !s->user_agent && !s->allow_net.len && !s->allows_private)
        log_warn("crawl", "no-contact",
                 "set --contact so that a site's owner can reach you");
}

/* What was asked for, or less where descriptors are few (promise P32). */
static int64_t choose_concurrency(const struct settings *s)
{
    int64_t others = OTHER_FILES + PARSER_FILES * s->workers;
    int64_t room = MAX(INT64_C(1), io_raise_open_files() - others);
    int64_t n = MIN(s->concurrency, room);

    while (n > 1 && n + (int64_t)fetcher_descriptors((size_t)n) > room)
        n--;
    return n;
}

/* What settings say, worked out: names, networks, patterns, secrets, limits. */
static enum err open_settings(struct crawl *c, struct err_note *note)
{
    enum err e;

    arena_init(&c->rule_mem, (size_t)MIB);
    arena_init(&c->mem, (size_t)16 * MIB);
    c->retry = (struct retry_options){ (int)c->settings->retries, FIRST_RETRY_MS,
                                       LONGEST_RETRY_MS };
    c->concurrency = choose_concurrency(c->settings);
    sem_init_permits(&c->permits, c->concurrency);
    e = name_ourselves(c, note);
    if (!e)
        e = networks_read(c->settings, &c->mem, &c->addresses, note);
    if (!e)
        e = scope_open(c->settings, &c->scope, note);
    if (!e)
        e = extract_open(c->settings, &c->extract, note);
    if (!e)
        e = credentials_open(c->settings, &c->credentials, note);
    return e;
}

/* Everything that moves but the database. */
static enum err open_engines(struct crawl *c, struct err_note *note)
{
    enum err e = open_runtime(c, note);

    if (!e)
        e = open_parsers(c, note);
    if (!e)
        e = open_network(c, note);
    if (!e)
        e = open_frontier(c, note);
    return e;
}

enum err parts_open_network(struct crawl *c, struct err_note *note)
{
    enum err e = pool_start_zygote(note);

    if (!e)
        e = open_settings(c, note);
    if (!e)
        e = open_engines(c, note);
    return e;
}

/* The run, its scope, and what of the old decisions no longer holds. */
static enum err open_run(struct crawl *c, const struct seeds *seeds,
                         struct err_note *note)
{
    bool has_new_seeds = false, is_decided;
    enum err e = begin_run(c, note);

    if (!e)
        e = add_seeds(c, seeds, &has_new_seeds, note);
    if (!e && !seeds->len && !c->run.has_known_urls)
        e = err_set(note, ERR_USAGE, "%s holds no URLs and no seeds were given", c->settings->db);
    is_decided = c->run.is_decided && !has_new_seeds;
    if (!e && c->run.has_known_urls && !(is_decided && c->run.is_queue_decided))
        e = store_decide_again(c->store, is_decided, rescope_decide, c, note);
    return e;
}

enum err parts_open(struct crawl *c, const struct seeds *seeds, struct err_note *note)
{
    enum err e = pool_start_zygote(note); /* before there is a thread or a database */

    if (!e)
        e = open_settings(c, note);
    if (!e)
        e = open_store(c, note);
    if (!e)
        e = open_engines(c, note);
    /* Before the writer's thread, which must not take them. */
    if (!e && crawl_watch_signals(c))
        e = err_set_errno(note, ERR_IO, errno, "cannot watch for signals");
    if (!e)
        e = archive_open(c, &c->archive, note);
    /* With no descriptor for a request it would wait for ever. Parsers bring one each. */
    if (!e && !io_has_room_for(LATER_FILES + c->settings->workers))
        e = err_set_errno(note, ERR_IO, EMFILE, "ulimit -n leaves no descriptor for a request");
    if (!e)
        e = open_run(c, seeds, note);
    if (!e)
        e = dictionary_open(c, note);
    if (!e)
        e = start_store(c, note);
    if (e)
        return e;
    tell_what_is_kept(c);
    warn_about_settings(c);
    return OK;
}

static void close_parsers(struct crawl *c)
{
    struct err_note note = { "" };

    if (c->pool) {
        pool_terminate(c->pool);
        pool_free(c->pool);
    }
    if (quarantine_close(c->quarantine, &note))
        log_warn("parser", "page-not-kept", "%s", note.text);
}

enum err parts_close(struct crawl *c, struct err_note *note)
{
    enum err e = archive_close(c->archive, note), from_store;

    close_parsers(c);
    fetcher_close(c->fetcher);
    dns_close(c->dns);
    from_store = store_close(c->store, note);
    e = from_store ? from_store : e;
    if (c->store_wakeup)
        loop_wakeup_close(c->store_wakeup);
    robots_gate_close(c);
    frontier_free(c->frontier);
    if (c->group)
        group_free(c->group);
    if (c->sched)
        sched_close(c->sched);
    loop_close(c->loop);
    dictionary_close(c);
    bodies_close(c->bodies);
    known_close(c->known);
    scope_close(c->scope);
    extract_close(c->extract);
    credentials_close(c->credentials);
    sitemaps_close(c);
    ask_clear(c);
    arena_clear(&c->rule_mem);
    arena_clear(&c->mem);
    return e;
}
