/* SPDX-License-Identifier: MIT */
#include "crawler/robots_gate.h"

#include "config/clock.h"
#include "config/mem.h"
#include "crawler/document.h"
#include "crawler/outbox.h"
#include "crawler/pause.h"
#include "crawler/rulebook.h"
#include "crawler/sitemaps.h"
#include "crawler/visit.h"
#include "parse/host.h"

#define MAX_TRIES        3
#define FRESH_MS         INT64_C(86400000) /* RFC 9309 §2.4 */
#define REFRESH_AGAIN_NS (600 * NS_PER_S)
#define FIRST_PAUSE_MS   INT64_C(1000)
#define LARGE_AT_A_TIME  8 /* files of up to 500 KiB, and what is made of them */
#define LOOK_UP_NS       (500 * NS_PER_MS)
#define LONGEST_UTF8     ((size_t)4)
#define ANSWER_BYTES     ((size_t)8 * MIB)

struct prepare {
    struct crawl *c;
    struct host *h;
    struct arena mem;
    struct store_host_state stored; /* spans in mem */
};

void robots_gate_open(struct crawl *c)
{
    c->rulebook = rulebook_new(c->frontier, (size_t)c->settings->max_memory / 16);
    sem_init_permits(&c->large_robots, LARGE_AT_A_TIME);
}

void robots_gate_close(struct crawl *c)
{
    rulebook_free(c->rulebook);
}

struct span robots_gate_words(const struct robots_rule *rule, struct arena *mem)
{
    if (!rule->line)
        return SPAN("robots.txt: too many rules for so long a URL");
    return arena_format(mem, "robots.txt line %u: Disallow: %.*s", rule->line,
                        SPAN_ARG(rule->pattern));
}

bool robots_gate_allows(struct crawl *c, struct host *h, const struct url *u,
                        struct arena *mem, struct span *out_rule)
{
    const struct robots_rule *rule;

    if (rulebook_allows(c->rulebook, h, url_target(u), &rule))
        return true;
    if (out_rule)
        *out_rule = robots_gate_words(rule, mem);
    return false;
}

/* --- rules ----------------------------------------------------------------------- */

/* What robots.txt asks for, of http and https together: both are one site. */
static void note_crawl_delay(struct prepare *p)
{
    struct politeness *politeness = frontier_politeness(p->c->frontier);
    int64_t ms = -1;

    LIST_EACH(n, &p->h->site->hosts) {
        const struct host *h = CONTAINER_OF(n, struct host, in_site);

        ms = MAX(ms, h->crawl_delay_ms);
    }
    if (politeness_set_crawl_delay(politeness, p->h->site, ms))
        crawl_event(p->c, "warn", "robots", "crawl-delay-cut", 0,
                    "%s: Crawl-delay %lld s counts as 60 s", p->h->name,
                    (long long)(ms / 1000));
}

bool robots_gate_is_whole(const struct answer *a)
{
    return a->decode == DECODE_OK || a->decode == DECODE_TOO_LARGE;
}

/* Has a parser process read this robots.txt; text (may be NULL) gets it as UTF-8, in mem. */
static enum err parse_rules(struct prepare *p, struct job *job, struct body_ref *body,
                            struct span *text)
{
    struct pool_job *answer;
    struct span why;
    enum err e;

    job->kind = JOB_ROBOTS;
    job->product_token = p->c->product_token;
    job->max_decoded_bytes = ROBOTS_READ_BYTES;
    e = pool_run(p->c->pool, job, body, DEADLINE_NEVER, &answer);
    if (e)
        return e;
    if (pool_job_failure(answer, &why) != POOL_OK ||
        !robots_gate_is_whole(pool_job_answer(answer)))
        e = ERR_INVALID;
    if (!e)
        e = rulebook_keep(p->c->rulebook, p->h, &pool_job_answer(answer)->robots);
    if (!e && text)
        *text = arena_copy(&p->mem, pool_job_answer(answer)->robots_text);
    pool_job_free(answer);
    return e;
}

/* --- what the database knows -------------------------------------------------------- */

/* The first time in this run. */
static void learn_politeness(struct prepare *p, const struct store_host_state *s)
{
    struct politeness *politeness = frontier_politeness(p->c->frontier);
    struct site *site = p->h->site;
    int64_t now = loop_now(p->c->loop);
    bool is_wrong = politeness_is_impossible(politeness, s->next_fetch_ms) ||
                    politeness_is_impossible(politeness, s->backoff_until_ms);

    p->h->is_loaded = true;
    p->h->run_pages = s->run_pages;
    site->failures = MAX(site->failures, s->failures);
    politeness_hold(politeness, site,
                    politeness_is_impossible(politeness, s->next_fetch_ms)
                        ? clock_after(now, politeness_gap_ns(site))
                        : politeness_moment(politeness, now, s->next_fetch_ms));
    politeness_back_off(politeness, site, politeness_moment(politeness, now, s->backoff_until_ms));
    if (is_wrong) { /* else each start would begin that pause anew, and defer the host, until the clock is there */
        politeness_set_crawl_delay(politeness, site, s->crawl_delay_ms);
        outbox_save_host(p->c, p->h, NULL);
    }
}

static enum err load_host(struct prepare *p, bool wants_large_robots)
{
    struct store_op *op = store_op_new(STORE_HOST_LOAD, ANSWER_BYTES);
    enum err e;

    op->u.host.host_id = p->h->id;
    op->u.host.wants_large_robots = wants_large_robots;
    e = outbox_wait(p->c, op, DEADLINE_NEVER);
    if (e)
        return e;
    e = op->result;
    if (!e) {
        p->stored = op->u.host;
        p->stored.robots_body = arena_copy(&p->mem, op->u.host.robots_body);
        p->stored.robots_outcome = arena_copy(&p->mem, op->u.host.robots_outcome);
        if (!p->h->is_loaded)
            learn_politeness(p, &op->u.host);
    }
    store_op_free(op);
    return e;
}

/* A text as long as a text may be is not all of the file. */
static bool is_stored_whole(const struct store_host_state *stored)
{
    return stored->has_robots && stored->robots_size + LONGEST_UTF8 <= ROBOTS_MAX_BYTES;
}

/* A robots.txt of size: loaded and read while few others are. */
static enum err read_large_stored(struct prepare *p, struct job *job)
{
    struct body_ref none = { 0 };
    enum err e = sem_enter(&p->c->large_robots, DEADLINE_NEVER);

    if (e)
        return e;
    e = load_host(p, true);
    job->inline_body = p->stored.robots_body;
    if (!e)
        e = p->stored.has_robots ? parse_rules(p, job, &none, NULL) : ERR_TOO_LARGE;
    sem_leave(&p->c->large_robots);
    arena_reset(&p->mem);
    p->stored = (struct store_host_state){ .crawl_delay_ms = -1 };
    return e;
}

/* A robots.txt read less than a day ago, by this run or an earlier one. */
static bool use_stored(struct prepare *p)
{
    struct job job = { .inline_body = p->stored.robots_body };
    struct body_ref none = { 0 };
    int64_t left_ms = p->stored.robots_expires_ms - clock_wall_ms();

    if (!is_stored_whole(&p->stored) || left_ms <= 0 || left_ms > FRESH_MS ||
        span_eq(p->stored.robots_outcome, SPAN("unreachable")))
        return false;
    if (p->stored.robots_size > STORE_SMALL_ROBOTS ? read_large_stored(p, &job)
                                                   : parse_rules(p, &job, &none, NULL))
        return false;
    p->h->robots_expire_at = clock_after(loop_now(p->c->loop), left_ms * NS_PER_MS);
    return true;
}

/* --- asking ----------------------------------------------------------------------------- */

/* A text of size is in the database when this returns, so that few of them are on their way there. */
static enum err save_robots(struct prepare *p, const struct document *doc,
                            const char *outcome, struct span text)
{
    int64_t now = clock_wall_ms();
    struct store_host_state state = { .has_robots = true,
                                      .robots_fetched_ms = now,
                                      .robots_expires_ms = now + FRESH_MS,
                                      .robots_status = doc->result.status_code,
                                      .robots_outcome = span_str(outcome),
                                      .robots_body = text,
                                      .ip = doc->result.ip };

    note_crawl_delay(p);
    p->h->robots_expire_at = clock_after(loop_now(p->c->loop), FRESH_MS * NS_PER_MS);
    if (text.len > STORE_SMALL_ROBOTS)
        return outbox_save_robots(p->c, p->h, &state);
    outbox_save_host(p->c, p->h, &state);
    return OK;
}

/* The rules in an answer, obeyed and saved. ERR_INVALID: it cannot be read. */
static enum err take_rules(struct prepare *p, struct document *doc)
{
    const struct fetch_result *r = &doc->result;
    struct job job = { .url = doc->url.href,
                       .content_type = r->content_type,
                       .content_encoding = r->content_encoding };
    bool may_be_large = r->body.len > STORE_SMALL_ROBOTS || r->content_encoding.len;
    struct span text = SPAN_NONE;
    enum err e =
        may_be_large ? sem_enter(&p->c->large_robots, DEADLINE_NEVER) : OK;

    if (e)
        return e;
    e = parse_rules(p, &job, &doc->result.body, &text);
    if (!e)
        e = save_robots(p, doc, "ok", text);
    if (may_be_large)
        sem_leave(&p->c->large_robots);
    return e;
}

/* What an answer means. ERR_REFUSED: unreachable, with why. */
static enum err judge(struct prepare *p, struct document *doc, struct span *why)
{
    const struct fetch_result *r = &doc->result;
    struct robots_rules none = { .crawl_delay_ms = -1 };
    enum err e;

    if (doc->problem) {
        *why = span_str(doc->problem);
        return ERR_REFUSED;
    }
    if (r->outcome == FETCH_OK || r->outcome == FETCH_TOO_LARGE) {
        e = take_rules(p, doc);
        *why = SPAN("not readable");
        return e == ERR_INVALID ? ERR_REFUSED : e;
    }
    if (r->outcome == FETCH_HTTP_ERROR && r->status_code < 500 &&
        r->status_code != 429) {
        e = rulebook_keep(p->c->rulebook, p->h, &none);
        return e ? e : save_robots(p, doc, "no_rules", SPAN_NONE);
    }
    *why = r->status_code >= 400
               ? arena_format(&p->mem, "status %d", r->status_code)
               : arena_format(&p->mem, "%s%s%.*s", result_outcome_name(r->outcome),
                              r->error.len ? ": " : "", SPAN_ARG(r->error));
    return ERR_REFUSED;
}

static enum err robots_url(struct prepare *p, struct url *out)
{
    struct span text =
        arena_format(&p->mem, "%s://%s:%u/robots.txt",
                     p->h->is_https ? "https" : "http", p->h->name, p->h->port);

    return url_parse(text, NULL, &p->mem, out);
}

static void park(struct prepare *p, enum url_reason reason, struct span rule,
                 int64_t until_ms)
{
    struct host *h = p->h;

    rulebook_drop(p->c->rulebook, h);
    h->crawl_delay_ms = -1;
    /* The rule outlives this coroutine: it lies with the host from here on. */
    mem_free(h->park_text);
    h->park_text = mem_str_copy(rule);
    frontier_park(p->c->frontier, h, reason, span_str(h->park_text), until_ms);
    outbox_park(p->c, h);
}

/* How long to wait before the next try. */
static int64_t pause_ms(const struct host *h, const struct document *doc)
{
    int64_t ms = FIRST_PAUSE_MS << (h->robots_tries - 1);

    return MAX(ms, MIN(doc->retry_after_ms, POLITENESS_MAX_PAUSE_MS));
}

static void give_up(struct prepare *p, const struct document *doc, struct span why)
{
    struct store_host_state state = { .has_robots = true,
                                      .robots_fetched_ms = clock_wall_ms(),
                                      .robots_status = doc->result.status_code,
                                      .robots_outcome = SPAN("unreachable"),
                                      .ip = doc->result.ip };

    crawl_event(p->c, "warn", "robots", "robots-unreachable", 0, "%s:%u: %.*s",
                p->h->name, p->h->port, SPAN_ARG(why));
    p->c->counts.hosts_given_up++;
    outbox_save_host(p->c, p->h, &state);
    park(p, REASON_ROBOTS_UNREACHABLE,
         arena_format(&p->mem, "robots.txt: %.*s", SPAN_ARG(why)), 0);
}

/*
 * A redirect may lead anywhere (RFC 9309 §2.3.1.2), but whose rules we have is not asked for what they forbid. Another
 * origin's /robots.txt always may be.
 */
static const char *refusal(void *arg, const struct url *u, struct arena *mem)
{
    struct crawl *c = arg;
    struct host *h = frontier_find_origin(c->frontier, u->scheme == URL_HTTPS, url_site_hostname(u),
                                          (uint16_t)url_port(u));

    if (!h || h->state != HOST_READY || span_eq(url_target(u), SPAN("/robots.txt")))
        return NULL;
    return robots_gate_allows(c, h, u, mem, NULL) ? NULL : "redirect to what robots.txt forbids there";
}

/*
 * A pause that was asked for binds the site that asked for it: where a redirect led to another host, that one (its own
 * pages go on otherwise); this one where its rules are only read anew. Whose rules are not known yet pauses below.
 */
static void keep_pause(struct prepare *p, const struct document *doc)
{
    struct host *h = frontier_find_origin(p->c->frontier, doc->url.scheme == URL_HTTPS, url_site_hostname(&doc->url),
                                          (uint16_t)url_port(&doc->url));

    if (h && !doc->problem && (h->site != p->h->site || p->h->obeys_rules))
        pause_keep(p->c, h, &doc->result);
}

/* One try. ERR_REFUSED: try again later (the pause was taken). */
static enum err try_once(struct prepare *p)
{
    const struct document_way way = { .max_redirects = DOCUMENT_MAX_REDIRECTS,
                                      .min_body_bytes = ROBOTS_READ_BYTES,
                                      .refusal = refusal,
                                      .arg = p->c };
    struct document doc;
    struct span why = SPAN_NONE;
    struct url url;
    int64_t wait_ms;
    enum err e;

    if (robots_url(p, &url))
        return ERR_INVALID;
    p->c->counts.robots_requests++;
    e = document_fetch(p->c, &url, &way, &p->mem, DEADLINE_NEVER, &doc);
    if (e)
        return e;
    p->c->counts.hosts_reached += doc.result.status_code != 0;
    keep_pause(p, &doc);
    if (p->h->state == HOST_PARKED) { /* by what its site answered to others meanwhile */
        bodies_free(p->c->bodies, &doc.result.body);
        return OK;
    }
    if (doc.result.outcome == FETCH_BLOCKED_ADDRESS && !doc.problem &&
        span_eq(doc.url.href, url.href)) {
        p->h->is_blocked = true; /* every page of it would be refused the same way */
        mem_free(p->h->blocked_why);
        p->h->blocked_why = mem_str_copy(doc.result.error);
        p->h->robots_expire_at = DEADLINE_NEVER;
        return OK;
    }
    e = judge(p, &doc, &why);
    bodies_free(p->c->bodies, &doc.result.body);
    if (e != ERR_REFUSED)
        return e;
    wait_ms = pause_ms(p->h, &doc);
    if (p->h->obeys_rules) { /* a refresh: what we have goes on holding */
        p->h->robots_expire_at = clock_after(loop_now(p->c->loop), REFRESH_AGAIN_NS);
        return OK;
    }
    if (MIN(wait_ms, doc.retry_after_ms) > p->c->settings->max_wait_ms) {
        politeness_back_off(frontier_politeness(p->c->frontier), p->h->site,
                            clock_after(clock_now_ns(), wait_ms * NS_PER_MS));
        outbox_save_host(p->c, p->h, NULL);
        park(p, REASON_DEFERRED,
             SPAN("robots.txt: the server asked for a longer pause"),
             clock_wall_ms() + wait_ms);
        return OK;
    }
    if (p->h->robots_tries >= MAX_TRIES || wait_ms > p->c->settings->max_wait_ms) {
        give_up(p, &doc, why);
        return OK;
    }
    politeness_back_off(frontier_politeness(p->c->frontier), p->h->site,
                        clock_after(clock_now_ns(), wait_ms * NS_PER_MS));
    outbox_save_host(p->c, p->h, NULL);
    return ERR_REFUSED;
}

static enum err prepare(struct prepare *p)
{
    int64_t wait;
    enum err e = p->h->obeys_rules ? OK : load_host(p, false);

    if (e)
        return e;
    wait = p->h->site->backoff_until - loop_now(p->c->loop);
    if (wait > p->c->settings->max_wait_ms * NS_PER_MS) {
        park(p, REASON_DEFERRED, SPAN("the host asked for a pause"),
             crawl_wall_of(p->c, p->h->site->backoff_until));
        return OK;
    }
    if (p->c->settings->has_no_robots) {
        p->h->robots_expire_at = DEADLINE_NEVER;
        return OK;
    }
    if (!p->h->obeys_rules && use_stored(p)) {
        note_crawl_delay(p);
        return OK;
    }
    p->h->robots_tries = 0;
    do {
        arena_reset(&p->mem); /* the pause before a try may be long, and hosts many */
        p->h->robots_tries++;
        e = try_once(p);
    } while (e == ERR_REFUSED && !p->c->stop);
    return e;
}

/* An address written as a number is refused without asking anybody. */
static bool is_refused_literal(struct prepare *p)
{
    union address address;
    const char *why;

    if (p->c->settings->proxy || !address_parse(span_str(p->h->name), &address))
        return false;
    why = address_refusal(&p->c->addresses, &address.any);
    if (why)
        park(p, REASON_BLOCKED_ADDRESS, span_str(why), 0);
    return why != NULL;
}

static intptr_t prepare_main(void *arg)
{
    struct prepare *p = arg;
    struct crawl *c = p->c;
    enum err e = OK;

    if (!is_refused_literal(p))
        e = prepare(p);
    if (e && e != ERR_CANCELLED && !c->stop)
        park(p, REASON_ROBOTS_UNREACHABLE,
             arena_format(&p->mem, "robots.txt: %s", err_text(e)), 0);
    else if (e)
        p->h->state =
            HOST_NEW; /* stopped in between: nothing is known, so nothing is allowed */
    frontier_prepared(c->frontier, p->h);
    visit_check_host_limit(c, p->h); /* an earlier start may have used it up */
    if (!e && p->h->state == HOST_READY && p->h->obeys_rules && !c->stop)
        sitemaps_start(c, p->h);
    arena_clear(&p->mem);
    mem_free(p);
    crawl_task_done(c);
    return 0;
}

void robots_gate_prepare(struct crawl *c, struct host *h)
{
    struct prepare *p = mem_alloc(sizeof *p);

    *p = (struct prepare){ .c = c, .h = h };
    arena_init(&p->mem, ANSWER_BYTES * 2);
    if (!crawl_spawn(c, "robots", prepare_main, p)) {
        h->state = HOST_NEW;
        frontier_prepared(c->frontier, h);
        arena_clear(&p->mem);
        mem_free(p);
    }
}

enum err robots_gate_await(struct crawl *c, struct host *h)
{
    enum err e = OK;

    while (!c->stop && (h->state == HOST_NEW || h->state == HOST_PREPARING)) {
        frontier_look(c->frontier, h);
        e = waitq_wait(&h->prepared, clock_after(clock_now_ns(), LOOK_UP_NS));
        if (e && e != ERR_TIMEOUT)
            return e;
    }
    return OK;
}
