/* SPDX-License-Identifier: MIT */
#include "crawler/lookup.h"

#include "config/clock.h"
#include "config/log.h"
#include "crawler/ask.h"
#include "crawler/command.h"
#include "crawler/credentials.h"
#include "crawler/parts.h"
#include "crawler/robots_gate.h"

/* A hundred hops, their robots.txt and its hops leave 5 MiB of header fields each, and tries cut off as much again. */
#define ANSWER_BYTES  ((size_t)1 * GIB)

static void print_rules(const struct robots_rules *rules)
{
    if (!rules->n_rules)
        printf("  no rule in it is ours\n");
    for (size_t i = 0; i < rules->n_rules; i++) {
        printf("  line %-5u %s", rules->rules[i].line,
               rules->rules[i].is_allow ? "Allow" : "Disallow");
        command_print_text(": ", rules->rules[i].pattern);
        printf("\n");
    }
    if (rules->crawl_delay_ms >= 0)
        printf("crawl-delay  %.3g s%s\n", (double)rules->crawl_delay_ms / 1000,
               rules->crawl_delay_ms > 60000 ? " (counts as 60 s)" : "");
    for (size_t i = 0; i < rules->n_sitemaps; i++) {
        command_print_text("sitemap      ", rules->sitemaps[i]);
        printf("\n");
    }
}

static void print_verdict(struct lookup *l, const struct robots_rules *rules)
{
    const struct robots_rule *rule = NULL;
    bool is_allowed = robots_allows(rules, url_target(&l->url), &rule);

    command_print_text("verdict      ", l->url.href);
    if (rule)
        printf(" is %s by line %u\n", is_allowed ? "allowed" : "disallowed",
               rule->line);
    else
        printf(" is allowed: no rule matches\n");
    l->exit_code = is_allowed ? 0 : 1;
}

/* --- asking -------------------------------------------------------------------------- */

/* Has a parser process read it. */
static enum err read_rules(struct lookup *l, struct lookup_rules *r)
{
    struct document *doc = &r->doc;
    struct job job = { .kind = JOB_ROBOTS,
                       .url = doc->url.href,
                       .content_type = doc->result.content_type,
                       .content_encoding = doc->result.content_encoding,
                       .product_token = l->c->product_token,
                       .max_decoded_bytes = ROBOTS_READ_BYTES };
    struct span why;
    enum err e =
        pool_run(l->c->pool, &job, &doc->result.body, DEADLINE_NEVER, &r->parsed);

    if (e)
        return e;
    r->meaning = LOOKUP_RULES;
    r->rules = NULL;
    if (pool_job_failure(r->parsed, &why)) {
        r->meaning = LOOKUP_UNREADABLE;
        r->why = why;
    } else if (!robots_gate_is_whole(pool_job_answer(r->parsed))) {
        r->meaning = LOOKUP_UNREADABLE;
        r->why = SPAN("its content coding is broken");
    } else {
        r->rules = &pool_job_answer(r->parsed)->robots;
    }
    return OK;
}

enum err lookup_ask_robots(struct lookup *l, const struct url *u,
                           struct lookup_rules *out)
{
    static const struct document_way way = { .max_redirects = DOCUMENT_MAX_REDIRECTS,
                                             .min_body_bytes = ROBOTS_READ_BYTES };
    static const struct robots_rules none = { .crawl_delay_ms = -1 };
    struct lookup_rules r = { .meaning = LOOKUP_UNREACHABLE, .why = SPAN_NONE };
    const struct fetch_result *got = &r.doc.result;
    struct url url;
    enum err e = url_parse(SPAN("/robots.txt"), u, l->mem, &url);

    if (!e)
        e = document_fetch(l->c, &url, &way, l->mem, DEADLINE_NEVER, &r.doc);
    if (e)
        return e;
    if (r.doc.problem) {
        r.why = span_str(r.doc.problem);
    } else if (got->outcome == FETCH_OK || got->outcome == FETCH_TOO_LARGE) {
        e = read_rules(l, &r);
    } else if (got->outcome == FETCH_HTTP_ERROR && got->status_code < 500 &&
               got->status_code != 429) {
        r.meaning = LOOKUP_NO_RULES;
        r.rules = &none;
    }
    bodies_free(l->c->bodies, &r.doc.result.body);
    *out = r;
    return e;
}

void lookup_forget_robots(struct lookup_rules *r)
{
    pool_job_free(r->parsed);
    r->parsed = NULL;
    r->rules = NULL;
}

/* --- crawl robots ---------------------------------------------------------------------- */

static void print_answer(const struct document *doc)
{
    const struct fetch_result *got = &doc->result;

    command_print_text("robots.txt   ", doc->url.href);
    if (got->status_code)
        printf(" answered %d\n", got->status_code);
    else
        printf(" gave no answer: %s%s%.*s\n", result_outcome_name(got->outcome),
               got->error.len ? ", " : "", SPAN_ARG(got->error));
}

static void explain(struct lookup *l, const struct lookup_rules *r)
{
    print_answer(&r->doc);
    switch (r->meaning) {
    case LOOKUP_RULES:
        printf("meaning      these rules hold for '%.*s'\n",
               SPAN_ARG(l->c->product_token));
        print_rules(r->rules);
        print_verdict(l, r->rules);
        return;
    case LOOKUP_NO_RULES:
        printf(
            "meaning      there are no rules: everything may be fetched (RFC 9309 2.3.1.3)\n");
        print_verdict(l, r->rules);
        return;
    case LOOKUP_UNREADABLE:
        command_print_text("meaning      it cannot be read, so nothing may be fetched: ",
                   r->why);
        printf("\n");
        break;
    case LOOKUP_UNREACHABLE:
        printf(
            "meaning      unreachable%s%.*s: nothing may be fetched (RFC 9309 2.3.1.4)\n",
            r->why.len ? ", " : "", SPAN_ARG(r->why));
        break;
    }
    l->exit_code = 1;
}

static intptr_t robots_main(void *arg)
{
    struct lookup *l = arg;
    struct lookup_rules rules;
    enum err e = lookup_ask_robots(l, &l->url, &rules);

    if (e) {
        l->exit_code = 3;
    } else {
        explain(l, &rules);
        lookup_forget_robots(&rules);
    }
    sched_stop(l->c->sched);
    return 0;
}

int lookup_robots(const struct settings *s, const char *url)
{
    return lookup_run(s, "robots", url, robots_main, NULL);
}

/* --- one question ------------------------------------------------------------------------ */

int lookup_run(const struct settings *s, const char *command, const char *text,
               coro_fn *fn, const void *arg)
{
    struct crawl c = { .settings = s, .give_up_at = DEADLINE_NEVER };
    struct err_note note = { "" };
    struct arena mem;
    struct lookup l = { .c = &c, .mem = &mem, .exit_code = 3, .arg = arg };
    enum err e;

    arena_init(&mem, ANSWER_BYTES);
    if (url_parse(span_str(text), NULL, &mem, &l.url) ||
        url_page(&l.url, &mem, &l.url) || !url_is_web(&l.url)) {
        fprintf(stderr, "crawl %s: '%s' is no URL to ask (does it begin with https:// or http://?)\n", command, text);
        arena_clear(&mem);
        return 2;
    }
    e = parts_open_network(&c, &note);
    if (!e && group_spawn(c.group, command, fn, &l, NULL) == OK)
        sched_run(c.sched);
    if (e) {
        fprintf(stderr, "crawl %s: %s\n", command,
                note.text[0] ? note.text : err_text(e));
        l.exit_code = e == ERR_USAGE ? 2 : 3;
    }
    if (parts_close(&c, &note))
        l.exit_code = 3;
    arena_clear(&mem);
    return l.exit_code;
}
