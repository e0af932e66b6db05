/* SPDX-License-Identifier: MIT */
/* The charts over a run's requests: part of crawler/report_parts.h. */
#include <stdio.h>

#include "config/arena.h"
#include "crawler/report_parts.h"

#define MAX_BARS  6 /* of a bar chart; what is rarer counts together */
#define MAX_NAMES ((size_t)64 * KIB)
#define MAX_NAME  ((size_t)300)

/* --- status codes ------------------------------------------------------------------ */

/* RFC 9110 §15, RFC 6585; the ones that are met. */
static const char *phrase_of(size_t code)
{
    static const struct {
        size_t code;
        const char *phrase;
    } phrases[] = {
        { 200, "OK" },           { 204, "No content" },      { 206, "Partial content" },
        { 301, "Moved" },        { 302, "Found" },           { 303, "See other" },
        { 304, "Not modified" }, { 307, "Redirect" },        { 308, "Moved" },
        { 400, "Bad request" },  { 401, "Unauthorized" },    { 403, "Forbidden" },
        { 404, "Not found" },    { 405, "Not allowed" },     { 410, "Gone" },
        { 429, "Too many" },     { 500, "Server error" },    { 502, "Bad gateway" },
        { 503, "Unavailable" },  { 504, "Gateway timeout" },
    };

    for (size_t i = 0; i < ARRAY_LEN(phrases); i++)
        if (phrases[i].code == code)
            return phrases[i].phrase;
    return "";
}

static const char *tone_of(size_t code)
{
    return code >= 500 ? "bad" : code >= 400 ? "warn" : code >= 300 ? "moved" : "ok";
}

/* Puts a bar among the largest ones; what does not fit goes into *rest. */
static void keep_bar(struct report_bar *bars, size_t *n, struct report_bar bar,
                     int64_t *rest)
{
    size_t at = *n;

    while (at > 0 && bar.n > bars[at - 1].n)
        at--;
    if (*n == MAX_BARS)
        *rest += at < MAX_BARS ? bars[MAX_BARS - 1].n : bar.n;
    if (at == MAX_BARS)
        return;
    *n = MIN(*n + 1, (size_t)MAX_BARS);
    for (size_t i = *n - 1; i > at; i--)
        bars[i] = bars[i - 1];
    bars[at] = bar;
}

/* The word of an outcome as people write it. */
static struct span no_answer_name(struct arena *mem, const char *outcome)
{
    char text[sizeof((struct report_words *)0)->items[0].word];
    size_t i = 0;

    for (; outcome[i] && i + 1 < sizeof text; i++)
        text[i] = outcome[i] == '_' ? ' ' : outcome[i];
    text[i] = '\0';
    return arena_format(mem, "No answer: %s", text);
}

static void put_status_codes(struct report_html *h, const struct report_tally *t)
{
    struct report_bar bars[MAX_BARS + 1];
    struct arena mem;
    int64_t rest = 0;
    size_t n = 0;

    if (!t->requests) {
        report_chart_none(h, "Status codes", "No request of this run is recorded.");
        return;
    }
    arena_init(&mem, (size_t)MIB);
    for (size_t code = 1; code < REPORT_TALLY_CODES; code++)
        if (t->by_code[code])
            keep_bar(bars, &n,
                     (struct report_bar){
                         arena_format(&mem, "%zu %s", code, phrase_of(code)),
                         tone_of(code), t->by_code[code], SPAN_NONE },
                     &rest);
    for (size_t i = 0; i < t->outcomes.len; i++)
        keep_bar(bars, &n,
                 (struct report_bar){ no_answer_name(&mem, t->outcomes.items[i].word),
                                      "bad", t->outcomes.items[i].n, SPAN_NONE },
                 &rest);
    if (rest)
        bars[n++] = (struct report_bar){ SPAN("All others"), "mute", rest, SPAN_NONE };
    report_chart_open(h, "Status codes",
                      "Answers to every request of the run, retries too.");
    report_chart_bars(h, bars, n, t->requests, "Answer", "Requests");
    report_chart_close(h);
    arena_clear(&mem);
}

/* --- hosts ------------------------------------------------------------------------- */

struct host_name {
    struct arena *mem;
    struct span name;
    bool is_found;
};

static enum err on_host(void *arg, const struct span *columns,
                        const struct reader_value *v, size_t n)
{
    struct host_name *name = arg;
    int64_t port, usual;
    struct span host;

    (void)columns;
    BUG_IF(n != 3);
    if (!v || name->is_found) /* a view in the table's place may have any number of rows */
        return OK;
    name->is_found = true;
    port = v[2].integer;
    usual = span_eq(v[0].text, SPAN("https")) ? 443 : 80;
    host = span_slice(v[1].text, 0, MIN(v[1].text.len, MAX_NAME)); /* a blob has no end of its own */
    name->name = port == usual ? arena_format(name->mem, "%.*s", SPAN_ARG(host))
                               : arena_format(name->mem, "%.*s:%lld", SPAN_ARG(host), (long long)port);
    return OK;
}

static enum err make_host_bar(struct reader *r, const struct report_host *host,
                              struct arena *mem, struct report_bar *out,
                              struct err_note *note)
{
    struct span id = arena_format(mem, "%lld", (long long)host->id);
    struct host_name name = { mem, SPAN("(gone)"), false };
    char text[FIGURES_SIZE];
    enum err e = reader_query(r, span_str(reader_find_part("host")->sql), &id, 1,
                              on_host, &name, note);

    *out = (struct report_bar){ name.name, host->errors ? "warn" : "main",
                                host->requests, SPAN_NONE };
    if (host->timed)
        out->note = arena_format(mem, "mean %s",
                                 figures_duration(host->total_ms / host->timed, text));
    out->tone = "main";
    return e;
}

static enum err put_hosts(struct report_html *h, struct reader *r,
                          const struct report_tally *t, struct err_note *note)
{
    struct report_host top[MAX_BARS];
    struct report_bar bars[MAX_BARS + 1];
    size_t n = report_tally_top_hosts(t, top, MAX_BARS);
    int64_t rest = t->requests;
    struct arena mem;
    enum err e = OK;

    if (!n) {
        report_chart_none(h, "Hosts", "No host was asked in this run.");
        return OK;
    }
    arena_init(&mem, MAX_NAMES);
    for (size_t i = 0; !e && i < n; i++) {
        e = make_host_bar(r, &top[i], &mem, &bars[i], note);
        rest -= top[i].requests;
    }
    if (rest > 0)
        bars[n++] = (struct report_bar){ SPAN("All others"), "mute", rest, SPAN_NONE };
    if (!e) {
        report_chart_open(h, "Hosts",
                          "Requests to each, and the mean time of its answers.");
        report_chart_bars(h, bars, n, t->requests, "Host", "Requests");
        report_chart_close(h);
    }
    arena_clear(&mem);
    return e;
}

enum err report_parts_title(struct reader *r, const struct report_tally *t,
                            struct buf *out, struct err_note *note)
{
    struct report_host first;
    struct report_bar bar;
    struct arena mem;
    enum err e;

    if (!report_tally_top_hosts(t, &first, 1))
        return buf_append(out, SPAN("Crawl report"));
    arena_init(&mem, MAX_NAMES);
    e = make_host_bar(r, &first, &mem, &bar, note);
    if (!e)
        e = buf_printf(out, "Crawl of %.*s", SPAN_ARG(bar.name));
    if (!e && t->hosts.len > 1)
        e = buf_printf(out, " and %zu more host%s", t->hosts.len - 1,
                       t->hosts.len > 2 ? "s" : "");
    arena_clear(&mem);
    return e;
}

/* --- the others -------------------------------------------------------------------- */

static void put_progress(struct report_html *h, const struct report_tally *t)
{
    report_html_put(h, "<section class=\"card full\"><h2>Progress</h2>");
    if (t->slot_ms && t->requests) {
        report_html_put(h, "<ul class=key><li>requests</li><li class=k-bad>errors</li>"
                           "<li class=k-mean>mean</li></ul>\n");
        report_chart_progress(h, t);
    } else {
        report_html_put(
            h, "<p class=none>The run was too short, or asked too little, for a "
               "picture over time.</p>");
    }
    report_html_put(h, "</section>\n");
}

static void put_times(struct report_html *h, const struct report_tally *t)
{
    if (!t->times.n) {
        report_chart_none(h, "Response times", "No answer was timed in this run.");
        return;
    }
    report_chart_open(h, "Response times",
                      "From the request to the last byte of the answer.");
    report_chart_spread(h, &t->times, figures_duration);
    report_chart_close(h);
}

static void put_sizes(struct report_html *h, const struct report_tally *t)
{
    if (!t->sizes.n) {
        report_chart_none(h, "Sizes", "No answer of this run had a body.");
        return;
    }
    report_chart_open(h, "Sizes", "Bodies after decoding, in bytes.");
    report_chart_spread(h, &t->sizes, figures_bytes);
    report_chart_close(h);
}

static void put_depths(struct report_html *h, const struct report_tally *t)
{
    size_t n = REPORT_TALLY_DEPTHS;

    while (n && !t->by_depth[n - 1])
        n--;
    if (!n) {
        report_chart_none(h, "Depth", "No request of this run is recorded.");
        return;
    }
    report_chart_open(h, "Depth", "Clicks from the nearest seed.");
    report_chart_columns(h, t->by_depth, n, n == REPORT_TALLY_DEPTHS);
    report_chart_close(h);
}

static void put_types(struct report_html *h, const struct report_tally *t)
{
    struct report_bar bars[MAX_BARS + 1];
    int64_t rest = 0;
    size_t n = 0;

    if (!t->answered) {
        report_chart_none(h, "Content types", "Nothing was answered in this run.");
        return;
    }
    for (size_t i = 0; i < t->types.len; i++) {
        struct span word = span_str(t->types.items[i].word);

        keep_bar(bars, &n,
                 (struct report_bar){ word.len ? word : SPAN("none named"), "two",
                                      t->types.items[i].n, SPAN_NONE },
                 &rest);
    }
    if (rest)
        bars[n++] = (struct report_bar){ SPAN("All others"), "mute", rest, SPAN_NONE };
    report_chart_open(h, "Content types", "What the answers say they are, errors too.");
    report_chart_bars(h, bars, n, t->answered, "Type", "Answers");
    report_chart_close(h);
}

enum err report_parts_charts(struct report_html *h, struct reader *r,
                             const struct report_found *f, struct err_note *note)
{
    enum err e;

    put_progress(h, f->tally);
    put_times(h, f->tally);
    put_sizes(h, f->tally);
    put_depths(h, f->tally);
    put_status_codes(h, f->tally);
    e = put_hosts(h, r, f->tally, note);
    put_types(h, f->tally);
    return e;
}
