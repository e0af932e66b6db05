/* SPDX-License-Identifier: MIT */
#include "crawler/lookup_extract.h"

#include <unistd.h>

#include "config/io.h"
#include "config/log.h"
#include "crawler/cell.h"
#include "crawler/command.h"
#include "crawler/extract.h"
#include "crawler/lookup.h"
#include "crawler/robots_gate.h"
#include "crawler/scope.h"
#include "parse/json_text.h"

#define MAX_OUTPUT ((size_t)8 * MIB)
#define MAX_LINKS  1000

/* The page on its way. */
struct page {
    struct lookup *l;
    struct url url; /* of the present hop */
    struct lookup_rules robots;
    struct url robots_of; /* a URL of the origin that robots is of; href empty: none */
};

/* Says why there is no page. */
static void refuse(struct page *p, const char *what, struct span why)
{
    struct buf line;

    buf_init(&line, (size_t)64 * KIB);
    if (!log_escape(&line, p->url.href) && !buf_append(&line, span_str(what)) &&
        !log_escape(&line, why))
        fprintf(stderr, "crawl extract: %.*s\n", SPAN_ARG(buf_span(&line)));
    buf_clear(&line);
    p->l->exit_code = 1;
}

/* --- robots.txt -------------------------------------------------------------------- */

static bool is_same_origin(const struct url *a, const struct url *b)
{
    return a->scheme == b->scheme && url_port(a) == url_port(b) &&
           span_eq(url_hostname(a), url_hostname(b));
}

static enum err learn_robots(struct page *p)
{
    struct politeness *politeness = frontier_politeness(p->l->c->frontier);
    enum err e;

    if (p->robots_of.href.len && is_same_origin(&p->robots_of, &p->url))
        return OK;
    lookup_forget_robots(&p->robots);
    p->robots_of.href = SPAN_NONE;
    e = lookup_ask_robots(p->l, &p->url, &p->robots);
    if (e)
        return e;
    p->robots_of = p->url;
    if (p->robots.rules)
        politeness_set_crawl_delay(
            politeness,
            politeness_site(politeness, url_hostname(&p->url), url_port(&p->url)),
            p->robots.rules->crawl_delay_ms);
    return OK;
}

/* Why there are no rules to go by. */
static struct span why_unknown(const struct page *p)
{
    const struct fetch_result *got = &p->robots.doc.result;

    if (p->robots.why.len)
        return p->robots.why;
    if (got->status_code)
        return arena_format(p->l->mem, "it answered %d", got->status_code);
    return arena_format(p->l->mem, "%s%s%.*s%s", result_outcome_name(got->outcome),
                        got->error.len ? ", " : "", SPAN_ARG(got->error),
                        got->outcome == FETCH_BLOCKED_ADDRESS ? " (--allow-net)" : "");
}

/* ERR_REFUSED: it was said why. */
static enum err ask_leave(struct page *p)
{
    const struct robots_rule *rule;
    enum err e;

    if (p->l->c->settings->has_no_robots)
        return OK;
    e = learn_robots(p);
    if (e)
        return e;
    if (!p->robots.rules) {
        refuse(p, " may not be fetched: its robots.txt cannot be had: ", why_unknown(p));
        return ERR_REFUSED;
    }
    if (robots_allows(p->robots.rules, url_target(&p->url), &rule))
        return OK;
    refuse(p, " may not be fetched: ", robots_gate_words(rule, p->l->mem));
    return ERR_REFUSED;
}

/* --- the page ------------------------------------------------------------------------ */

static enum err next_hop(struct page *p, const struct document *doc, int hops)
{
    struct url target;

    if (hops == p->l->c->settings->max_redirects) {
        refuse(p, ": more redirects than --max-redirects", SPAN_NONE);
        return ERR_REFUSED;
    }
    if (url_parse(doc->result.location, &p->url, p->l->mem, &target) ||
        url_page(&target, p->l->mem, &target) || !url_is_web(&target) ||
        target.href.len > SCOPE_MAX_URL) {
        refuse(p, " redirects to something that is no page: ", doc->result.location);
        return ERR_REFUSED;
    }
    p->url = target;
    return OK;
}

/* Each hop is asked for only when its own robots.txt allows it. */
static enum err fetch(struct page *p, struct document *doc)
{
    static const struct document_way one_hop = { .max_redirects = 0 };

    for (int hops = 0;; hops++) {
        enum err e = ask_leave(p);

        if (!e)
            e = document_fetch(p->l->c, &p->url, &one_hop, p->l->mem, DEADLINE_NEVER,
                               doc);
        if (e)
            return e;
        if (doc->result.outcome != FETCH_REDIRECT)
            return OK;
        bodies_free(p->l->c->bodies, &doc->result.body);
        e = next_hop(p, doc, hops);
        if (e)
            return e;
    }
}

/* --- output ---------------------------------------------------------------------------- */

/* {"url":..,"status":..} and the members of the page's facts. */
static enum err print_page(struct page *p, const struct document *doc,
                           const struct page_facts *facts)
{
    struct buf line, out;
    enum err e;

    buf_init(&line, MAX_OUTPUT);
    buf_init(&out, MAX_OUTPUT * 2);
    e = buf_append(&line, SPAN("{\"url\":"));
    if (!e)
        e = json_text_put_string(p->url.href, &line);
    if (!e)
        e = buf_printf(&line, ",\"status\":%d", doc->result.status_code);
    if (!e && facts->facts_json.len)
        e = buf_append_byte(&line, ',');
    if (!e)
        e = buf_append(&line, facts->facts_json.len ? span_skip(facts->facts_json, 1)
                                                    : SPAN("}"));
    if (!e)
        e = cell_put_json_value(&out, buf_span(&line));
    if (!e)
        e = buf_append_byte(&out, '\n');
    if (!e)
        e = io_write_all(STDOUT_FILENO, buf_span(&out));
    buf_clear(&line);
    buf_clear(&out);
    return e;
}

static enum err parse(struct page *p, struct document *doc)
{
    struct crawl *c = p->l->c;
    struct job job = { .kind = JOB_PAGE,
                       .url = p->url.href,
                       .content_type = doc->result.content_type,
                       .content_encoding = doc->result.content_encoding,
                       .headers = doc->result.headers,
                       .product_token = c->product_token,
                       .rules = extract_rules_for(c->extract, p->url.href, p->l->mem),
                       .max_decoded_bytes = (uint64_t)c->settings->max_size,
                       .max_links = MAX_LINKS,
                       .wants_facts = c->settings->wants_facts };
    struct pool_job *answer;
    struct span why;
    enum err e;

    if (!job.rules.len && !job.wants_facts) {
        refuse(p, ": no [extract] section matches it; --rule 'name=XPATH' tries one",
               SPAN_NONE);
        return ERR_REFUSED;
    }
    e = pool_run(c->pool, &job, &doc->result.body, DEADLINE_NEVER, &answer);
    if (e)
        return e;
    if (pool_job_failure(answer, &why)) {
        refuse(p, " could not be parsed: ", why);
        e = ERR_REFUSED;
    } else {
        e = print_page(p, doc, &pool_job_answer(answer)->page);
        p->l->exit_code = 0;
    }
    pool_job_free(answer);
    return e;
}

static enum err show(struct page *p)
{
    struct document doc;
    const struct fetch_result *got = &doc.result;
    enum err e = fetch(p, &doc);

    if (e)
        return e;
    if (got->outcome == FETCH_OK || got->outcome == FETCH_TOO_LARGE)
        e = parse(p, &doc);
    else if (got->status_code)
        refuse(p, " answered ", arena_format(p->l->mem, "%d", got->status_code));
    else
        refuse(p, " gave no answer: ",
               arena_format(p->l->mem, "%s%s%.*s", result_outcome_name(got->outcome),
                            got->error.len ? ", " : "", SPAN_ARG(got->error)));
    bodies_free(p->l->c->bodies, &doc.result.body);
    return e;
}

static intptr_t extract_main(void *arg)
{
    struct lookup *l = arg;
    struct page p = { .l = l, .url = l->url };
    const struct err_note note = { "" };
    enum err e = show(&p);

    lookup_forget_robots(&p.robots);
    if (e && e != ERR_REFUSED)
        l->exit_code = command_fail("extract", e, &note);
    sched_stop(l->c->sched);
    return 0;
}

int lookup_extract(const struct settings *s, const char *url)
{
    return lookup_run(s, "extract", url, extract_main, NULL);
}
