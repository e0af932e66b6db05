/* SPDX-License-Identifier: MIT */
#include "crawler/lookup.h"

#include "config/clock.h"
#include "config/log.h"
#include "crawler/ask.h"
#include "crawler/credentials.h"
#include "crawler/document.h"
#include "crawler/parts.h"

#define MAX_REDIRECTS 5 /* RFC 9309 §2.3.1.2 */
#define ANSWER_BYTES ((size_t)16 * MIB)

struct lookup {
    struct crawl *c;
    struct url url;
    struct arena *mem;
    int exit_code;
};

/* Text from outside, made safe for a terminal. */
static void print_text(const char *before, struct span text)
{
    struct buf out;

    buf_init(&out, (size_t)MIB);
    if (log_escape(&out, text) == OK)
        printf("%s%.*s", before, SPAN_ARG(buf_span(&out)));
    buf_clear(&out);
}

static void print_rules(const struct robots_rules *rules)
{
    if (!rules->n_rules)
        printf("  no rule in it is ours\n");
    for (size_t i = 0; i < rules->n_rules; i++) {
        printf("  line %-5u %s", rules->rules[i].line, rules->rules[i].is_allow ? "Allow" : "Disallow");
        print_text(": ", rules->rules[i].pattern);
        printf("\n");
    }
    if (rules->crawl_delay_ms >= 0)
        printf("crawl-delay  %.3g s%s\n", (double)rules->crawl_delay_ms / 1000,
               rules->crawl_delay_ms > 60000 ? " (counts as 60 s)" : "");
    for (size_t i = 0; i < rules->n_sitemaps; i++) {
        print_text("sitemap      ", rules->sitemaps[i]);
        printf("\n");
    }
}

static void print_verdict(struct lookup *l, const struct robots_rules *rules)
{
    const struct robots_rule *rule = NULL;
    bool is_allowed = robots_allows(rules, url_target(&l->url), &rule);

    print_text("verdict      ", l->url.href);
    if (rule)
        printf(" is %s by line %u\n", is_allowed ? "allowed" : "disallowed", rule->line);
    else
        printf(" is allowed: no rule matches\n");
    l->exit_code = is_allowed ? 0 : 1;
}

static enum err explain_rules(struct lookup *l, struct document *doc)
{
    struct job job = { .kind = JOB_ROBOTS,
                       .url = doc->url.href,
                       .content_type = doc->result.content_type,
                       .content_encoding = doc->result.content_encoding,
                       .product_token = l->c->product_token,
                       .max_decoded_bytes = (uint64_t)l->c->settings->max_size };
    struct pool_job *answer;
    struct span why;
    enum err e = pool_run(l->c->pool, &job, &doc->result.body, DEADLINE_NEVER, &answer);

    if (e)
        return e;
    if (pool_job_failure(answer, &why)) {
        print_text("meaning      it cannot be read, so nothing may be fetched: ", why);
        printf("\n");
        l->exit_code = 1;
    } else {
        printf("meaning      these rules hold for '%.*s'\n", SPAN_ARG(l->c->product_token));
        print_rules(&pool_job_answer(answer)->robots);
        print_verdict(l, &pool_job_answer(answer)->robots);
    }
    pool_job_free(answer);
    return OK;
}

static enum err explain(struct lookup *l, struct document *doc)
{
    const struct fetch_result *r = &doc->result;
    static const struct robots_rules none = { .crawl_delay_ms = -1 };

    print_text("robots.txt   ", doc->url.href);
    if (r->status_code)
        printf(" answered %d\n", r->status_code);
    else
        printf(" gave no answer: %s%s%.*s\n", result_outcome_name(r->outcome), r->error.len ? ", " : "",
               SPAN_ARG(r->error));
    if (!doc->problem && (r->outcome == FETCH_OK || r->outcome == FETCH_TOO_LARGE))
        return explain_rules(l, doc);
    if (!doc->problem && r->outcome == FETCH_HTTP_ERROR && r->status_code < 500 && r->status_code != 429) {
        printf("meaning      there are no rules: everything may be fetched (RFC 9309 2.3.1.3)\n");
        print_verdict(l, &none);
        return OK;
    }
    printf("meaning      unreachable%s%s: nothing may be fetched (RFC 9309 2.3.1.4)\n", doc->problem ? ", " : "",
           doc->problem ? doc->problem : "");
    l->exit_code = 1;
    return OK;
}

static intptr_t lookup_main(void *arg)
{
    static const struct document_way way = { .max_redirects = MAX_REDIRECTS };
    struct lookup *l = arg;
    struct document doc;
    struct url url;
    enum err e = url_parse(SPAN("/robots.txt"), &l->url, l->mem, &url);

    if (!e)
        e = document_fetch(l->c, &url, &way, l->mem, DEADLINE_NEVER, &doc);
    if (!e) {
        e = explain(l, &doc);
        bodies_free(l->c->bodies, &doc.result.body);
    }
    if (e)
        l->exit_code = 3;
    sched_stop(l->c->sched);
    return 0;
}

int lookup_robots(const struct settings *s, const char *text)
{
    struct crawl c = { .settings = s, .give_up_at = DEADLINE_NEVER };
    struct err_note note = { "" };
    struct arena mem;
    struct lookup l = { .c = &c, .mem = &mem, .exit_code = 3 };
    enum err e;

    arena_init(&mem, ANSWER_BYTES);
    if (url_parse(span_str(text), NULL, &mem, &l.url) || url_page(&l.url, &mem, &l.url) ||
        !url_is_web(&l.url)) {
        fprintf(stderr, "crawl robots: '%s' is no http or https URL\n", text);
        arena_clear(&mem);
        return 2;
    }
    e = parts_open_network(&c, &note);
    if (!e && group_spawn(c.group, "lookup", lookup_main, &l, NULL) == OK)
        sched_run(c.sched);
    if (e)
        fprintf(stderr, "crawl robots: %s\n", note.text[0] ? note.text : err_text(e));
    if (parts_close(&c, &note))
        l.exit_code = 3;
    arena_clear(&mem);
    return l.exit_code;
}
