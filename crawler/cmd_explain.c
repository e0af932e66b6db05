/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <unistd.h>

#include "config/arena.h"
#include "config/log.h"
#include "config/mem.h"
#include "crawler/command.h"
#include "crawler/prospect.h"
#include "crawler/show.h"
#include "crawler/versions.h"
#include "store/vocab.h"

/* What a reason means, and what would change it. */
static const struct {
    enum url_reason reason;
    const char *text;
} meanings[] = {
    { REASON_SCOPE,
      "outside the scope; a start with another --scope or more seeds decides again" },
    { REASON_INCLUDE_EXCLUDE,
      "an --include or --exclude is against it, or takes too long to decide; a start with others decides again" },
    { REASON_DEPTH, "too far from the seeds; a shorter way to it would get it queued" },
    { REASON_SCHEME, "neither http nor https" },
    { REASON_KIND,
      "only recorded: links of this kind are not followed, or stood on an error page" },
    { REASON_ROBOTS,
      "robots.txt forbids it; decided again when robots.txt or our settings change, and in the next run" },
    { REASON_ROBOTS_UNREACHABLE,
      "robots.txt could not be had, so nothing is fetched; tried again at the next start" },
    { REASON_NOFOLLOW,
      "only recorded: the page or the link says nofollow; a link without would get it queued" },
    { REASON_CONTENT_TYPE,
      "asked for, but its type is not wanted: only the headers were read (--store-bodies all)" },
    { REASON_TRAP, "looks like a trap: an address that a site makes up without end" },
    { REASON_HOST_LIMIT,
      "its host has had its pages for this run; decided again in the next one" },
    { REASON_URL_TOO_LONG, "longer than any address that is fetched" },
    { REASON_INVALID_URL, "no URL as it is stored" },
    { REASON_BLOCKED_ADDRESS, "its address may not be dialled (--allow-net)" },
    { REASON_DEFERRED,
      "its host asked for a longer pause than --max-wait; asked again at the next start" },
    { REASON_DROPPED, "dropped by hand" },
};

static void print_meaning(struct span state, struct span reason)
{
    const char *text = NULL;

    if (span_eq(state, SPAN("queued")))
        text =
            "still to be fetched, when its host's turn comes; a stopped run goes on at the next start";
    else if (span_eq(state, SPAN("fetched")))
        text =
            "answered; asked again in the next run (--revisit all), or from next_fetch_at on (--revisit due)";
    else if (span_eq(state, SPAN("not_modified")))
        text = "unchanged when last asked; asked again as a fetched page is";
    else if (span_eq(state, SPAN("failed")))
        text = "the last try gave no complete answer; asked again at the next start";
    for (size_t i = 0; !text && i < ARRAY_LEN(meanings); i++)
        if (span_eq(reason, span_str(vocab_reason(meanings[i].reason))))
            text = meanings[i].text;
    if (text)
        printf("  %-14s%s\n", "meaning", text);
}

/* What was typed, and the key under which such a page is known. */
struct question {
    const char *text;
    struct url url;
    struct span key;
    struct arena mem;
    /* The row's id, as text (SPAN_NONE: there is none), and its words. */
    struct span id, state, reason;
};

static void print_column(struct span name, const struct reader_value *v)
{
    if (v->type == READER_INTEGER)
        printf("  %-14.*s%lld\n", SPAN_ARG(name), (long long)v->integer);
    if (v->type != READER_TEXT)
        return;
    printf("  %-14.*s", SPAN_ARG(name));
    command_print_text("", v->text);
    printf("\n");
}

/* Prints what is set of the row, a line each. */
static enum err on_url_row(void *arg, const struct span *columns,
                           const struct reader_value *values, size_t n)
{
    struct question *q = arg;
    enum err e = OK;

    if (!values)
        return OK;
    if (!span_eq(q->url.href, q->key)) {
        command_print_text("  typed         ", q->url.href);
        printf("\n");
    }
    q->id = arena_format(&q->mem, "%lld", (long long)values[0].integer);
    for (size_t i = 1; !e && i < n; i++) {
        print_column(columns[i], &values[i]);
        if (values[i].type == READER_TEXT && span_eq(columns[i], SPAN("state")))
            e = arena_try_copy(&q->mem, values[i].text, &q->state);
        if (values[i].type == READER_TEXT && span_eq(columns[i], SPAN("reason")))
            e = arena_try_copy(&q->mem, values[i].text, &q->reason);
    }
    print_meaning(q->state, q->reason);
    return e;
}

/* "example.org:8080/x", "localhost:80": to a parser of URLs the scheme of nothing that anybody means. */
static bool lacks_scheme(struct span text)
{
    size_t colon = span_find(text, ':');
    struct span name = span_slice(text, 0, colon), port = span_skip(text, colon + 1);

    return port.len && port.ptr[0] >= '0' && port.ptr[0] <= '9' &&
           (span_eq(name, SPAN("localhost")) || span_find(name, '.') < name.len);
}

static bool read_question(struct question *q)
{
    return !lacks_scheme(span_str(q->text)) && url_parse(span_str(q->text), NULL, &q->mem, &q->url) == OK &&
           url_page(&q->url, &q->mem, &q->url) == OK &&
           url_normalize(&q->url, &q->mem, &q->key) == OK;
}

static int explain_known(struct reader *r, struct span id)
{
    int code = 0;

    fflush(stdout);
    for (const struct reader_report *p = reader_explanations + 1; !code && p->name; p++)
        code = show_section("explain", r, p->name, span_str(p->sql), id);
    return code;
}

/* Takes r: the database is closed before a process is started. */
static int explain_unknown(struct reader *r, const struct settings *s,
                           struct question *q)
{
    struct prospect prospect;
    struct err_note note = { "" };
    enum err e = prospect_gather(r, s, &q->url, &q->mem, &prospect, &note);

    reader_close(r);
    if (e)
        return command_fail("explain", e, &note);
    command_print_text("", q->key);
    printf(
        "\nhas never been seen: no seed, link, redirect or sitemap in this database led to it\n");
    if (!span_eq(q->key, q->url.href)) {
        command_print_text("it would be fetched as ", q->url.href);
        printf("\n");
    }
    return prospect_explain(s, &prospect);
}

static int explain(const struct settings *s, struct question *q)
{
    struct show_options o = { .db = s->db };
    struct err_note note = { "" };
    int code = 3;
    struct reader *r;

    if (!read_question(q)) {
        fprintf(stderr, "crawl explain: '%s' is no URL (does it begin with https:// or http://?)\n", q->text);
        return 2;
    }
    r = show_open("explain", &o, &code);
    if (!r)
        return code;
    if (reader_query(r, span_str(reader_explanations[0].sql), &q->key, 1, on_url_row, q,
                     &note))
        fprintf(stderr, "crawl explain: %s\n", note.text[0] ? note.text : "a value in the database is too long");
    else if (!q->id.ptr)
        return explain_unknown(r, s, q);
    else
        code = explain_known(r, q->id);
    reader_close(r);
    return code;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct settings s;
    struct err_note note;
    char **operands;
    int code;
    size_t n;

    if (settings_load(&s, argc, argv, environ, &operands, &n, &note)) {
        fprintf(stderr, "crawl explain: %s\n", note.text);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    if (s.wants_help) {
        code = command_help(self);
    } else if (s.wants_version) {
        code = versions_print();
    } else if (n != 1) {
        fprintf(stderr, "crawl explain: name one URL\n");
        code = 2;
    } else {
        struct question q = { .text = operands[0] };

        arena_init(&q.mem, (size_t)256 * MIB);
        code = explain(&s, &q);
        arena_clear(&q.mem);
    }
    mem_free(operands);
    settings_clear(&s);
    return code;
}

const struct command cmd_explain = {
    .name = "explain",
    .usage = "explain [OPTIONS] URL",
    .summary =
        "why a URL was or was not fetched: where it was found, which rule, every attempt",
    .description =
        "Tells everything the database knows about one URL: its state, the rule that decided and what that\n"
        "means; the way from a seed to it, with anchors and depths; its host's robots.txt and pauses; every\n"
        "attempt; redirects; which pages link to it; when it is due.\n"
        "\n"
        "For a URL that was never seen it tells what would happen to it and why: scope, --include and\n"
        "--exclude, depth, traps, and the stored robots.txt, with the settings given here (crawl.conf,\n"
        "environment, options). No server is asked.\n",
    .options = &settings_table,
    .exec = run,
};
