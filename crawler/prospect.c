/* SPDX-License-Identifier: MIT */
#include "crawler/prospect.h"

#include <stdarg.h>

#include "config/log.h"
#include "crawler/lookup.h"
#include "crawler/robots_gate.h"
#include "parse/host.h"

#define MAX_SEEDS 100000
#define MAX_VALUE ((size_t)200)
/* Of one, in which each byte may become three; all of them together are a quarter of it. */
#define MAX_SEED_BYTES ((size_t)1 * GIB)

/* --- gathering ------------------------------------------------------------------------ */

/* A database of strangers may have texts of any length: what is said about them needs room as well. */
static enum err keep(struct prospect *p, struct span text, struct span *out)
{
    return arena_has_room(p->mem, text.len + (size_t)MIB) ? arena_try_copy(p->mem, text, out) : ERR_TOO_LARGE;
}

static enum err on_seed(void *arg, const struct span *columns,
                        const struct reader_value *values, size_t n)
{
    struct prospect *p = arg;

    (void)columns;
    (void)n;
    if (values && values[0].type == READER_TEXT && p->n_seeds < p->max_seeds)
        return keep(p, values[0].text, &p->seeds[p->n_seeds++]);
    return OK;
}

static enum err on_seed_count(void *arg, const struct span *columns,
                              const struct reader_value *values, size_t n)
{
    struct prospect *p = arg;

    (void)columns;
    (void)n;
    p->max_seeds += values != NULL;
    return p->max_seeds < MAX_SEEDS ? OK : ERR_TOO_LARGE;
}

static enum err gather_seeds(struct prospect *p, struct reader *r,
                             struct err_note *note)
{
    struct span sql = span_str(reader_prospects[PROSPECT_SEEDS].sql);
    enum err e = reader_query(r, sql, NULL, 0, on_seed_count, p, note);

    if (e && e != ERR_TOO_LARGE)
        return e;
    p->seeds = arena_try_array(p->mem, p->max_seeds + 1, sizeof *p->seeds);
    if (!p->seeds)
        return err_set(note, ERR_TOO_LARGE, "the database has too many seeds");
    return reader_query(r, sql, NULL, 0, on_seed, p, note);
}

static enum err copy_text(struct prospect *p, const struct reader_value *v, struct span *out)
{
    *out = SPAN_NONE;
    return v->type == READER_TEXT ? keep(p, v->text, out) : OK;
}

static enum err on_host(void *arg, const struct span *columns,
                        const struct reader_value *values, size_t n)
{
    struct prospect *p = arg;
    enum err e;

    (void)columns;
    if (!values || n < N_READER_HOST_COLUMNS)
        return OK;
    p->is_host_known = true;
    p->run_pages = values[READER_HOST_RUN_PAGES].integer;
    p->robots_status = values[READER_HOST_ROBOTS_STATUS].integer;
    p->is_robots_old = values[READER_HOST_ROBOTS_IS_OLD].integer != 0;
    e = copy_text(p, &values[READER_HOST_BACKOFF], &p->backoff);
    if (!e)
        e = copy_text(p, &values[READER_HOST_ROBOTS_OUTCOME], &p->robots_outcome);
    if (!e)
        e = copy_text(p, &values[READER_HOST_ROBOTS_AT], &p->robots_at);
    return e ? e : copy_text(p, &values[READER_HOST_ROBOTS_BODY], &p->robots_body);
}

static enum err gather_host(struct prospect *p, struct reader *r, struct err_note *note)
{
    struct span params[3] = { p->url.scheme == URL_HTTPS ? SPAN("https") : SPAN("http"),
                              url_hostname(&p->url),
                              arena_format(p->mem, "%d", url_port(&p->url)) };

    return reader_query(r, span_str(reader_prospects[PROSPECT_HOST].sql), params, 3,
                        on_host, p, note);
}

static enum err on_setting(void *arg, const struct span *columns,
                           const struct reader_value *values, size_t n)
{
    struct prospect *p = arg;
    struct span value;

    (void)columns;
    if (!values || n < 2 || p->changed.len > 8 * MAX_VALUE)
        return OK;
    value = values[1].type == READER_TEXT ? span_clip_utf8(values[1].text, MAX_VALUE)
            : values[1].type == READER_INTEGER
                ? arena_format(p->mem, "%lld", (long long)values[1].integer)
                : SPAN("not set");
    p->changed = arena_format(
        p->mem, "%.*s%s%.*s %.*s", SPAN_ARG(p->changed), p->changed.len ? ", " : "",
        (int)MIN(values[0].text.len, MAX_VALUE), values[0].text.ptr, SPAN_ARG(value));
    return OK;
}

static enum err gather_settings(struct prospect *p, struct reader *r,
                                const struct settings *s, struct err_note *note)
{
    struct span ours;
    struct buf json;
    enum err e;

    buf_init(&json, (size_t)MIB);
    e = settings_to_json(s, &json);
    ours = buf_span(&json);
    if (!e)
        e = reader_query(r, span_str(reader_prospects[PROSPECT_SETTINGS].sql), &ours, 1,
                         on_setting, p, note);
    buf_clear(&json);
    return e;
}

enum err prospect_gather(struct reader *r, const struct settings *s,
                         const struct url *u, struct arena *mem, struct prospect *out,
                         struct err_note *note)
{
    enum err e;

    *out = (struct prospect){ .url = *u, .mem = mem };
    e = gather_seeds(out, r, note);
    if (!e && url_is_web(u))
        e = gather_host(out, r, note);
    return e ? e : gather_settings(out, r, s, note);
}

/* --- saying it ------------------------------------------------------------------------- */

/* A line of the trail, safe for a terminal. */
static void say(const char *step, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void say(const char *step, const char *fmt, ...)
{
    struct buf line;
    char text[2048];
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    buf_init(&line, (size_t)16 * KIB);
    if (log_escape(&line,
                   span_make(text, (size_t)MAX(0, MIN(n, (int)sizeof text - 1)))) == OK)
        printf("  %-14s%.*s\n", step, SPAN_ARG(buf_span(&line)));
    buf_clear(&line);
}

static void say_excluded(enum url_reason reason, struct span rule)
{
    say("verdict", "it would be excluded: %s (%.*s)", vocab_reason(reason),
        SPAN_ARG(rule));
}

/* In mem, where it takes the place of the one before: there may be any number of any length. */
static bool read_seed(struct span text, struct arena *mem, struct url *out)
{
    arena_reset(mem);
    return url_parse(text, NULL, mem, out) == OK;
}

/* The seed that lets u in, as far as one of the same host, or domain, tells. */
static struct span seed_of_same_place(struct lookup *l, const struct prospect *p, struct arena *mem)
{
    bool is_domain = l->c->settings->scope == SCOPE_DOMAIN;
    struct span name = url_hostname(&p->url), domain = host_registrable(name);

    for (size_t i = 0; i < p->n_seeds; i++) {
        struct url seed;

        if (!read_seed(p->seeds[i], mem, &seed))
            continue;
        if (span_eq(url_hostname(&seed), name) ||
            (is_domain && domain.len &&
             span_eq(host_registrable(url_hostname(&seed)), domain)))
            return seed.href;
    }
    return SPAN_NONE;
}

static void say_scope(struct lookup *l, const struct prospect *p)
{
    static const char *const words[] = { "host", "domain", "prefix", "any" };
    int scope = l->c->settings->scope;
    struct arena mem;
    struct span seed;

    arena_init(&mem, MAX_SEED_BYTES);
    seed = scope == SCOPE_ANY ? SPAN_NONE : seed_of_same_place(l, p, &mem);
    say("scope", "inside: --scope %s%s%.*s", words[scope],
        seed.len ? ", like the seed " : "", SPAN_ARG(seed));
    arena_clear(&mem);
}

static void say_depth(struct lookup *l)
{
    int64_t depth = l->c->settings->depth;

    if (depth < 0)
        say("depth", "no limit (--depth none)");
    else
        say("depth",
            "--depth %lld: as long as it is found on a page at most %lld links away from a seed",
            (long long)depth, (long long)(depth - 1));
}

/* The steps up to the trap, in their order; true when none stands against it. */
static bool is_wanted(struct lookup *l, const struct prospect *p)
{
    struct scope_verdict v;
    struct arena mem;

    arena_init(&mem, MAX_SEED_BYTES);
    for (size_t i = 0; i < p->n_seeds; i++) {
        struct url seed;

        if (read_seed(p->seeds[i], &mem, &seed) && url_is_web(&seed))
            scope_add_seed(l->c->scope, &seed);
    }
    arena_clear(&mem);
    scope_decide(l->c->scope, &p->url, 1, l->mem, &v);
    say("scheme", "%.*s", SPAN_ARG(url_protocol(&p->url)));
    if (v.reason == REASON_SCOPE)
        say("scope", "outside: %.*s, of %zu seeds", SPAN_ARG(v.rule), p->n_seeds);
    else if (v.reason != REASON_URL_TOO_LONG)
        say_scope(l, p);
    if (!v.reason || v.reason == REASON_DEPTH || v.reason == REASON_TRAP)
        say("rules", l->c->settings->rules.len
                         ? "none of --include and --exclude is against it"
                         : "no --include, no --exclude");
    if (!v.reason || v.reason == REASON_TRAP)
        say_depth(l);
    if (!v.reason)
        say("trap", "none");
    else
        say_excluded(v.reason, v.rule);
    return !v.reason;
}

/* --- robots.txt --------------------------------------------------------------------------- */

static void say_rule(const struct robots_rule *rule, bool is_allowed)
{
    if (!rule)
        say("robots.txt", "no rule matches");
    else
        say("robots.txt", "line %u: %s: %.*s", rule->line,
            is_allowed ? "Allow" : "Disallow", SPAN_ARG(rule->pattern));
}

/* Has a parser process read the stored text. */
static enum err judge_stored(struct lookup *l, const struct prospect *p,
                             bool *is_allowed)
{
    struct job job = { .kind = JOB_ROBOTS,
                       .inline_body = p->robots_body,
                       .product_token = l->c->product_token,
                       .max_decoded_bytes = ROBOTS_READ_BYTES };
    struct pool_job *answer;
    const struct robots_rule *rule = NULL;
    struct body_ref none = { 0 };
    struct span why;
    enum err e = pool_run(l->c->pool, &job, &none, DEADLINE_NEVER, &answer);

    if (e)
        return e;
    if (pool_job_failure(answer, &why)) {
        say("robots.txt", "the stored text cannot be read: %.*s", SPAN_ARG(why));
        e = ERR_CORRUPT;
    } else {
        *is_allowed =
            robots_allows(&pool_job_answer(answer)->robots, url_target(&p->url), &rule);
        say_rule(rule, *is_allowed);
        if (!*is_allowed)
            say_excluded(REASON_ROBOTS, robots_gate_words(rule, l->mem));
    }
    pool_job_free(answer);
    return e;
}

static enum err judge_robots(struct lookup *l, const struct prospect *p,
                             bool *is_allowed)
{
    *is_allowed = true;
    if (l->c->settings->has_no_robots) {
        say("robots.txt", "not obeyed (--no-robots)");
        return OK;
    }
    if (!p->robots_outcome.len) {
        say("robots.txt", "never asked for: it would be read first, and decide");
        return OK;
    }
    say("robots.txt", "as of %.*s, status %lld%s", SPAN_ARG(p->robots_at),
        (long long)p->robots_status,
        p->is_robots_old ? "; too old, so it would be read again first" : "");
    if (span_eq(p->robots_outcome, SPAN("unreachable"))) {
        say("robots.txt",
            "could not be had; it would be tried again, and until then nothing is fetched");
        return OK;
    }
    if (span_eq(p->robots_outcome, SPAN("no_rules"))) {
        say("robots.txt", "has no rules: everything is allowed (RFC 9309 2.3.1.3)");
        return OK;
    }
    return judge_stored(l, p, is_allowed);
}

/* --- the host --------------------------------------------------------------------------------- */

/* An address written as a number is refused without asking anybody. */
static bool is_refused_literal(struct lookup *l, const struct prospect *p)
{
    union address address;
    const char *why;

    if (l->c->settings->proxy || !address_parse(url_hostname(&p->url), &address))
        return false;
    why = address_refusal(&l->c->addresses, &address.any);
    if (why)
        say_excluded(REASON_BLOCKED_ADDRESS, span_str(why));
    return why != NULL;
}

static bool is_over_limit(struct lookup *l, const struct prospect *p)
{
    const struct host_settings *own =
        settings_for_host(l->c->settings, url_hostname(&p->url));
    int64_t most = own && own->max_pages_per_host != -2
                       ? own->max_pages_per_host
                       : l->c->settings->max_pages_per_host;

    if (most < 0 || p->run_pages < most)
        return false;
    say_excluded(REASON_HOST_LIMIT,
                 arena_format(l->mem,
                              "--max-pages-per-host %lld; a new run counts anew",
                              (long long)most));
    return true;
}

/* What the stored robots.txt leaves open. */
static const char *condition(const struct settings *s, const struct prospect *p)
{
    if (s->has_no_robots)
        return "";
    if (!p->robots_outcome.len)
        return ", if robots.txt allows it";
    if (span_eq(p->robots_outcome, SPAN("unreachable")))
        return ", once robots.txt can be had and allows it";
    return p->is_robots_old ? ", if robots.txt still allows it" : "";
}

static enum err judge_host(struct lookup *l, const struct prospect *p)
{
    bool is_allowed;
    enum err e;

    if (is_refused_literal(l, p))
        return OK;
    if (p->is_host_known)
        say("host", "known; %lld answered page requests in the latest run%s%.*s",
            (long long)p->run_pages, p->backoff.len ? "; asked for a pause until " : "",
            SPAN_ARG(p->backoff));
    else
        say("host", "never met");
    e = judge_robots(l, p, &is_allowed);
    if (e || !is_allowed || is_over_limit(l, p))
        return e;
    say("verdict", "it would be queued and fetched%s", condition(l->c->settings, p));
    return OK;
}

/* --- all of it ----------------------------------------------------------------------------------- */

static void say_changed(const struct prospect *p)
{
    if (p->changed.len)
        say("note",
            "decided with the present settings; in the last run it was otherwise: %.*s",
            SPAN_ARG(p->changed));
}

static intptr_t prospect_main(void *arg)
{
    struct lookup *l = arg;
    const struct prospect *p = l->arg;
    enum err e = OK;

    if (is_wanted(l, p))
        e = judge_host(l, p);
    say_changed(p);
    l->exit_code = e ? 3 : 0;
    sched_stop(l->c->sched);
    return 0;
}

int prospect_explain(const struct settings *s, const struct prospect *p)
{
    printf("if a link on a seed's page led to it now:\n");
    if (!url_is_web(&p->url)) {
        say("scheme", "%.*s", SPAN_ARG(url_protocol(&p->url)));
        say("verdict",
            p->url.scheme == URL_OTHER
                ? "it would be counted on its page and get no row: only http and https are kept"
                : "it would be excluded: scheme");
        return 0;
    }
    fflush(stdout); /* before a process is started */
    return lookup_run(s, "explain", arena_copy(p->mem, p->url.href).ptr, prospect_main,
                      p);
}
