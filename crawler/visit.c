/* SPDX-License-Identifier: MIT */
#include "crawler/visit.h"

#include "config/clock.h"
#include "config/mem.h"
#include "crawler/archive.h"
#include "crawler/ask.h"
#include "crawler/credentials.h"
#include "crawler/dictionary.h"
#include "crawler/discover.h"
#include "crawler/extract.h"
#include "crawler/outbox.h"
#include "crawler/pause.h"
#include "crawler/record.h"
#include "crawler/robots_gate.h"

#define OP_BYTES ((size_t)128 * MIB)
#define MAX_LINKS 100000
#define PAUSE_NS (1 * NS_PER_S) /* before a request that could not be made is tried again */

/* One visit; lives in its store op, so that it ends with the commit. */
struct visit {
    struct crawl *c;
    struct ticket *t;
    struct host *h;
    struct store_op *op;
    struct store_visit *record; /* the op's */
    struct pool_job *parsed;    /* owns the facts until the commit */
    struct url url;
    struct fetch_result got;
    enum fetch_outcome counted_as; /* decoding may say otherwise later */
    bool is_counted, was_retry;
    uint64_t archived; /* names what archive_wait waits for */
    deadline retry_at;
    enum url_reason reason; /* not NONE: it is not fetched, by this rule */
    struct span rule;
    bool has_slot;    /* of the page budget */
    bool has_new_cookies;
    bool is_unparsed; /* no parser got through it: nothing is known of the body, not its hash either */
};

/* --- endings ----------------------------------------------------------------------- */

static void release_slot(struct visit *v, bool is_used)
{
    if (!v->has_slot)
        return;
    v->has_slot = false;
    v->c->pages_reserved--;
    if (is_used)
        v->c->pages_done++;
}

static void free_visit(struct visit *v)
{
    if (v->parsed)
        pool_job_free(v->parsed);
    bodies_free(v->c->bodies, &v->got.body);
    store_op_free(v->op);
}

/* Nothing to record: the row stays queued, the ticket goes back. at = DEADLINE_NEVER: not in this run. */
static void give_back(struct visit *v, deadline at)
{
    struct crawl *c = v->c;
    struct ticket *t = v->t;

    release_slot(v, false);
    free_visit(v);
    if (at == DEADLINE_NEVER)
        frontier_finish(c->frontier, t);
    else
        frontier_retry(c->frontier, t, at);
}

void visit_check_host_limit(struct crawl *c, struct host *h)
{
    if (!h->is_loaded || h->state == HOST_PREPARING || h->state == HOST_PARKED || h->max_pages < 0 ||
        h->run_pages < h->max_pages || h->pages_in_flight)
        return;
    frontier_park(c->frontier, h, REASON_HOST_LIMIT, SPAN("--max-pages-per-host"), 0);
    outbox_park(c, h);
}

/* Links of one visit between two looks at the clock. */
#define LINKS_A_LOOK ((size_t)1024)

static void learn_some(struct visit *v, size_t from, size_t n)
{
    for (size_t i = from; i < from + n; i++)
        if (v->record->links[i].offer)
            outbox_learn(v->c, v->record->links[i].offer);
}

/* The rest of what follows from a commit, once the links are learnt. */
static void end_visit(struct visit *v)
{
    struct crawl *c = v->c;
    struct ticket *t = v->t;
    struct host *h = v->h;
    deadline retry_at = v->retry_at;

    if (v->record->respelled.len)
        t = frontier_respell(c->frontier, t, v->record->respelled, v->record->redirects);
    if (!v->op->result) {
        if (v->record->redirect)
            outbox_learn(c, v->record->redirect);
        outbox_learn_extra(c, v->op);
    }
    free_visit(v);
    if (retry_at != DEADLINE_NEVER)
        frontier_retry(c->frontier, t, retry_at);
    else
        frontier_finish(c->frontier, t);
    visit_check_host_limit(c, h);
    if (h->must_park_again && h->state == HOST_PARKED)
        outbox_park(c, h);
}

/* by: 1, or -1 for what does not come into the file. */
static void add_to_counts(struct visit *v, int64_t by)
{
    struct crawl_counts *n = &v->c->counts;

    n->requests += by;
    n->by_outcome[v->counted_as] += by;
    n->bytes += by * v->got.wire_size;
    n->retries += by * v->was_retry;
    n->answered += by * (v->got.status_code != 0);
    n->http_errors += by * (v->got.status_code >= 400);
}

static void take_back_counts(struct visit *v)
{
    add_to_counts(v, -1);
    v->c->counts.not_stored++;
}

/* So many links that learning them could hold the loop up: a coroutine does it in pieces. */
static intptr_t learn_main(void *arg)
{
    struct visit *v = arg;
    struct crawl *c = v->c;

    for (size_t i = 0; i < v->record->n_links; i += LINKS_A_LOOK) {
        learn_some(v, i, MIN(LINKS_A_LOOK, v->record->n_links - i));
        coro_breathe();
    }
    end_visit(v);
    c->is_learning = false;
    loop_wakeup_signal(c->store_wakeup); /* later commits have waited */
    crawl_task_done(c);
    return 0;
}

/* The attempt is committed: its consequences become visible to the frontier. */
static void on_committed(void *arg, struct store_op *op)
{
    struct visit *v = arg;

    if (v->record->has_fetch)
        v->c->answered--;
    if (!op->result) {
        if (v->record->n_links > LINKS_A_LOOK && crawl_spawn(v->c, "learn", learn_main, v)) {
            v->c->is_learning = true;
            return;
        }
        learn_some(v, 0, v->record->n_links);
    } else if (v->is_counted) {
        take_back_counts(v);
    }
    end_visit(v);
}

static void submit(struct visit *v, enum url_state state)
{
    v->record->state = state;
    v->record->retries = v->t->retries;
    v->record->respellings = v->t->respellings;
    release_slot(v, state == STATE_FETCHED || state == STATE_NOT_MODIFIED);
    v->op->on_done = on_committed;
    v->op->arg = v;
    outbox_submit(v->c, v->op);
}

/* Decided against without asking. */
static void exclude(struct visit *v, enum url_reason reason, struct span rule)
{
    v->record->reason = reason;
    v->record->rule = rule;
    submit(v, STATE_EXCLUDED);
}

/* --- the request ---------------------------------------------------------------------- */

/* Gives back what the dispatcher took: the permits, and the place in time when it was not used. */
static void leave_site(struct visit *v, int64_t started_ns, bool did_ask)
{
    v->c->in_flight--;
    sem_leave(&v->c->permits);
    if (!did_ask)
        ask_unpace(v->c);
    politeness_leave(frontier_politeness(v->c->frontier), v->h->site, started_ns, did_ask);
}

static enum err fetch(struct visit *v)
{
    struct crawl *c = v->c;
    struct ask ask = { .url = &v->url,
                       .etag = v->t->etag,
                       .last_modified = v->t->last_modified,
                       .is_page = true,
                       .wants_fresh = v->t->wants_fresh,
                       .room = v->t->room,
                       .keep = ask_keep_for(c, v->t) };
    int64_t started = clock_now_ns();
    enum err e = ask_send(c, &ask, &v->op->mem, DEADLINE_NEVER, &v->got);

    v->archived = archive_last(c->archive);
    leave_site(v, started + v->got.waited_ns, !(e == OK && (v->got.is_out_of_descriptors || v->got.is_without_room)));
    crawl_poke(c);
    return e;
}

/* The host answers again. The file must know it, too: a later run would go on where its failures ended. */
static void forget_failures(struct visit *v)
{
    struct site *site = v->h->site;

    if (!site->failures)
        return;
    site->failures = 0;
    LIST_EACH(n, &site->hosts)
        outbox_save_host(v->c, CONTAINER_OF(n, struct host, in_site), NULL);
}

static void count(struct visit *v)
{
    v->is_counted = true;
    v->counted_as = v->got.outcome;
    v->was_retry = v->t->retries > 0;
    add_to_counts(v, 1);
    v->c->bytes_done += v->got.wire_size;
    pause_note_answer(v->c, v->h, &v->got, v->t->id);
    if (v->got.status_code) {
        v->h->run_pages++;
        if (!pause_is_asked(&v->got))
            forget_failures(v);
    }
}

/* --- the body ------------------------------------------------------------------------------- */

static enum parse_outcome outcome_of(enum pool_failure failure)
{
    switch (failure) {
    case POOL_TIMED_OUT:
        return PARSE_TIMEOUT;
    case POOL_OUT_OF_MEMORY:
        return PARSE_OUT_OF_MEMORY;
    case POOL_REFUSED:
        return PARSE_REFUSED;
    default:
        return PARSE_CRASHED;
    }
}

/* The page that could not be parsed still gets its row, with the reason. */
static void record_unparsed(struct visit *v, enum pool_failure failure, struct span why)
{
    struct page_facts *facts = arena_alloc(&v->op->mem, sizeof *facts);

    facts->outcome = (uint8_t)outcome_of(failure);
    facts->size = v->got.wire_size;
    v->record->facts = facts;
    v->is_unparsed = true;
    v->c->counts.parse_failures++;
    crawl_event(v->c, "warn", "parser", "page-not-parsed", v->t->id, "%.*s: %.*s",
                SPAN_ARG(v->t->url), SPAN_ARG(why));
}

/* A page counts for more than what rules want of it: where a parser died over it with them, it gets one without. */
static enum err run_parser(struct visit *v, struct job *job)
{
    enum err e = pool_run(v->c->pool, job, &v->got.body, DEADLINE_NEVER, &v->parsed);
    struct span why;

    if (e || !job->rules.len || !pool_job_failure(v->parsed, &why))
        return e;
    crawl_event(v->c, "warn", "parser", "page-not-extracted", v->t->id, "%.*s: %.*s", SPAN_ARG(v->t->url),
                SPAN_ARG(why));
    pool_job_free(v->parsed);
    v->parsed = NULL;
    job->rules = SPAN_NONE;
    return pool_run(v->c->pool, job, &v->got.body, DEADLINE_NEVER, &v->parsed);
}

static struct span rules_for(struct visit *v)
{
    struct span rules = extract_rules_for(v->c->extract, v->url.href, &v->op->mem);

    for (const char *name = extract_tells_undecided(v->c->extract); name; name = extract_tells_undecided(v->c->extract))
        crawl_event(v->c, "warn", "extract", "slow-pattern", v->t->id,
                    "the url of [extract \"%s\"] takes too many steps over some URLs; there its rules are not applied",
                    name);
    return rules;
}

static enum err parse(struct visit *v)
{
    const struct settings *s = v->c->settings;
    struct job job = { .kind = JOB_PAGE,
                       .url = v->url.href,
                       .content_type = v->got.content_type,
                       .content_encoding = v->got.content_encoding,
                       .headers = v->got.headers,
                       .product_token = v->c->product_token,
                       .max_decoded_bytes = (uint64_t)s->max_size,
                       .max_text_bytes = JOB_INDEXED_BYTES,
                       .max_links = MAX_LINKS,
                       .wants_text = !s->has_no_text,
                       .wants_body = s->store_bodies != BODIES_NONE,
                       .wants_body_all = s->store_bodies == BODIES_ALL,
                       .wants_facts = s->wants_facts };
    enum pool_failure failure;
    struct span why;
    enum err e;

    if (v->got.outcome != FETCH_HTTP_ERROR) /* an error page is not the page that a rule means */
        job.rules = rules_for(v);
    dictionary_name(v->c, &job);
    e = run_parser(v, &job);
    if (e)
        return e;
    bodies_free(v->c->bodies, &v->got.body);
    failure = pool_job_failure(v->parsed, &why);
    if (failure)
        record_unparsed(v, failure, why);
    else
        v->record->facts = &pool_job_answer(v->parsed)->page;
    if (v->record->facts)
        dictionary_take(v->c, v->record->facts->dictionary);
    return OK;
}

/* What decoding the body showed about the transfer. */
static void learn_from_decoding(struct visit *v)
{
    const struct page_facts *facts = v->record->facts;

    if (facts->decode == DECODE_BAD) {
        v->got.outcome = FETCH_BAD_ENCODING;
        v->got.error = SPAN("the content coding is broken");
    } else if (facts->decode == DECODE_TRUNCATED) {
        v->got.outcome = FETCH_INCOMPLETE;
        v->got.error = SPAN("the coded body ends too early");
    } else if (facts->decode == DECODE_TOO_LARGE && v->got.outcome == FETCH_OK) {
        v->got.outcome = FETCH_TOO_LARGE;
        v->got.error = record_why_decoding_stopped(facts->size, v->got.wire_size, v->c->settings->max_size);
    }
    v->record->size = facts->size;
}

static enum err take_links(struct visit *v)
{
    struct discover_page page = { v->t, v->record->facts, v->t->depth, v->got.outcome == FETCH_HTTP_ERROR };
    size_t n = v->record->facts->n_links;
    bool is_cut;
    enum err e;

    /* The store tells by it which links are as deep as the page makes them, and whether it rose meanwhile. */
    v->record->depth = page.depth;
    /* Each is written whole: zeroing all of them first would touch them twice. */
    v->record->links = arena_try_alloc(&v->op->mem, (n + 1) * sizeof *v->record->links);
    if (!v->record->links)
        mem_out_of_memory(n * sizeof *v->record->links);
    e = discover_links(v->c, &page, &v->op->mem, v->record->links, &v->record->n_links, &is_cut);
    if (!e && (is_cut || v->record->facts->links_cut))
        crawl_event(v->c, "warn", "parser", "links-cut", v->t->id, "%.*s: only its first %zu links count",
                    SPAN_ARG(v->t->url), v->record->n_links);
    return e;
}

/* --- what it came to ---------------------------------------------------------------------------- */

/* True when the URL is to be tried again; its record says so then. */
static bool tries_again(struct visit *v)
{
    struct retry_verdict verdict = pause_decide(v->c, v->h, &v->got, v->t->retries);

    if (pause_is_asked(&v->got) && !pause_host(v->c, v->h, verdict.delay_ms, v->t->id))
        return false;
    if (v->got.is_name_unknown) /* the name server has said so: asking again is no use */
        return false;
    if (verdict.action == RETRY_NO)
        return false;
    v->retry_at = clock_after(clock_now_ns(), verdict.delay_ms * NS_PER_MS);
    v->t->wants_fresh |= v->got.status_code == 421; /* over the same connection it would come again */
    v->record->next_fetch_ms = crawl_wall_of(v->c, v->retry_at);
    record_fetch(v->record, &v->got, v->t->retries + 1); /* of this try, before the next is counted */
    v->t->retries++;
    v->record->facts = NULL; /* not the page's content yet */
    submit(v, STATE_QUEUED);
    return true;
}

static bool is_answer(enum fetch_outcome outcome)
{
    return outcome == FETCH_OK || outcome == FETCH_HTTP_ERROR || outcome == FETCH_TOO_LARGE;
}

static enum url_state final_state(const struct visit *v)
{
    if (v->got.outcome == FETCH_NOT_MODIFIED)
        return STATE_NOT_MODIFIED;
    if (v->record->respelled.len)
        return STATE_QUEUED;
    if (v->got.body_skipped && v->got.outcome == FETCH_OK)
        return STATE_EXCLUDED;
    return is_answer(v->got.outcome) || v->got.outcome == FETCH_REDIRECT ? STATE_FETCHED : STATE_FAILED;
}

/*
 * Where a redirect leads to the row that it comes from: under another spelling (/%7Ea to /~a), or the same one with a
 * cookie in hand. The row itself is asked for again, under that spelling, unless a rule forbids it.
 */
static bool goes_on_as(struct visit *v, const struct store_offer *target)
{
    struct span key;

    if (target->reason || !discover_took(url_normalize(&v->url, &v->op->mem, &key), v->url.href, &v->op->mem) ||
        !span_eq(key, target->key) || (span_eq(v->url.href, target->url) && !v->has_new_cookies))
        return false;
    v->record->respelled = target->url;
    v->record->redirects = v->t->redirects + 1;
    v->retry_at = clock_now_ns();
    return true;
}

static void follow_redirect(struct visit *v)
{
    struct store_offer *target;

    if (v->t->redirects + 1 > v->c->settings->max_redirects) {
        v->got.outcome = FETCH_REDIRECT_LIMIT;
        v->got.error = SPAN("more redirects than --max-redirects");
        return;
    }
    target = arena_alloc(&v->op->mem, sizeof *target);
    if (!discover_redirect(v->c, v->t, &v->url, v->got.location, &v->op->mem, target))
        v->got.error = SPAN("the Location is no URL");
    else if (!goes_on_as(v, target))
        v->record->redirect = target;
}

static enum err conclude(struct visit *v)
{
    enum url_state state;
    enum err e;

    if (v->got.outcome == FETCH_REDIRECT)
        follow_redirect(v);
    record_fetch(v->record, &v->got, v->t->retries + 1);
    if (v->record->facts) {
        v->record->size = v->record->facts->size;
        v->record->body_is_final = v->got.outcome != FETCH_TOO_LARGE && !v->is_unparsed;
        e = take_links(v);
        if (e)
            return e;
    }
    state = final_state(v);
    if (state == STATE_EXCLUDED) {
        v->record->reason = REASON_CONTENT_TYPE;
        v->record->rule = ask_rule_of_type(&v->op->mem, v->got.content_type);
    }
    submit(v, state);
    return OK;
}

static enum err undo(struct visit *v, enum err e)
{
    v->c->answered--;
    take_back_counts(v);
    return e;
}

/* What the request came to, unless it is to be made again. */
static enum err digest(struct visit *v)
{
    enum err e = OK;

    count(v);
    v->c->answered++;
    if (v->got.outcome != FETCH_OK && tries_again(v))
        return OK;
    if (is_answer(v->got.outcome) && !v->got.body_skipped) {
        e = parse(v);
        if (e)
            return undo(v, e);
        learn_from_decoding(v);
        if (!is_answer(v->got.outcome)) {
            if (tries_again(v))
                return OK;
            v->record->facts = NULL;
        }
    }
    e = archive_wait(v->c->archive, v->archived, DEADLINE_NEVER);
    if (!e)
        e = conclude(v);
    return e ? undo(v, e) : OK;
}

/* The address of this host is refused, as its robots.txt showed: no request is made. */
static void record_blocked(struct visit *v)
{
    v->got.outcome = FETCH_BLOCKED_ADDRESS;
    v->got.error = arena_copy(&v->op->mem, span_str(v->h->blocked_why));
    v->got.started_wall_ms = clock_wall_ms();
    v->got.timings = (struct fetch_timings){ -1, -1, -1, -1, -1 };
    v->c->answered++;
    v->c->counts.by_outcome[FETCH_BLOCKED_ADDRESS]++;
    BUG_IF(conclude(v)); /* without a body it has no links */
}

static void visit_run(struct visit *v)
{
    enum err e;

    if (v->reason) {
        leave_site(v, 0, false);
        exclude(v, v->reason, v->rule);
        return;
    }
    if (v->h->is_blocked) {
        leave_site(v, 0, false);
        record_blocked(v);
        return;
    }
    e = fetch(v);
    if (e) {
        give_back(v, DEADLINE_NEVER);
        return;
    }
    v->has_new_cookies = credentials_keep_cookies(v->c->credentials, &v->url, v->got.headers);
    v->got.headers = credentials_withhold_cookies(v->got.headers, &v->op->mem);
    if (v->got.is_out_of_descriptors || v->got.outcome == FETCH_CANCELLED) {
        ask_note_cut(&v->got, &v->t->room);
        give_back(v, v->c->stop ? DEADLINE_NEVER : clock_after(clock_now_ns(), PAUSE_NS));
        return;
    }
    if (v->got.was_reused_and_lost && !v->t->wants_fresh) {
        v->t->wants_fresh = true;
        give_back(v, clock_now_ns());
        return;
    }
    if (digest(v))
        give_back(v, DEADLINE_NEVER);
}

static intptr_t visit_main(void *arg)
{
    struct visit *v = arg;
    struct crawl *c = v->c;

    visit_run(v);
    crawl_task_done(c);
    return 0;
}

/* May it be fetched? While the rules of its host are surely there (rulebook.h). */
static void judge(struct visit *v)
{
    if (url_reparse(v->t->url, &v->op->mem, &v->url)) {
        v->reason = REASON_INVALID_URL;
        v->rule = SPAN("not a URL as it is stored");
    } else if (!robots_gate_allows(v->c, v->h, &v->url, &v->op->mem, &v->rule)) {
        v->reason = REASON_ROBOTS;
    }
}

void visit_start(struct crawl *c, struct ticket *t)
{
    struct store_op *op = store_op_new(STORE_VISIT, OP_BYTES);
    struct visit *v = arena_alloc(&op->mem, sizeof *v);

    *v = (struct visit){ .c = c, .t = t, .h = t->host, .op = op, .record = &op->u.visit };
    judge(v);
    v->retry_at = DEADLINE_NEVER;
    v->has_slot = true;
    c->in_flight++;
    v->record->url_id = t->id;
    v->record->host_id = t->host->id;
    v->record->depth = t->depth;
    if (crawl_spawn(c, "visit", visit_main, v))
        return;
    leave_site(v, 0, false);
    give_back(v, clock_after(clock_now_ns(), PAUSE_NS));
}
