/* SPDX-License-Identifier: MIT */
#include "crawler/report_parts.h"

#include <stdio.h>
#include <string.h>

#include "config/clock.h"
#include "crawler/report.h"
#include "crawler/report_policy.h"
#include "crawler/report_style.h"

#define MAX_TITLE 200

/* --- the head ---------------------------------------------------------------------- */

static void put_title(struct report_html *h, const struct report_found *f)
{
    report_html_text(h, f->title, MAX_TITLE);
}

/* The run in a line. */
static void put_meta(struct report_html *h, const struct report_found *f)
{
    const struct report_run *r = &f->run;
    char text[FIGURES_SIZE];

    report_html_put(h, "<p class=meta><span><b>");
    report_html_text(h, f->db_name, MAX_TITLE);
    report_html_format(h, "</b></span><span>Run <b>%lld</b></span>", (long long)r->id);
    report_html_format(h, "<span>Started <b>%s</b></span>",
                       figures_moment(r->started_at, text));
    report_html_format(h, "<span>%s <b>%s</b></span>",
                       r->is_running ? "Last request" : "Ended",
                       figures_moment(r->ended_at, text));
    report_html_format(
        h, "<span>Took <b>%s</b></span>",
        figures_duration(MAX(r->ended_at - r->started_at, INT64_C(0)), text));
    report_html_put(h, "<span>State <b>");
    report_html_text(h, span_str(r->state), MAX_TITLE);
    if (r->stop_reason[0] && strcmp(r->stop_reason, r->state) != 0) {
        report_html_put(h, "</b>, <b>");
        report_html_text(h, span_str(r->stop_reason), MAX_TITLE);
    }
    report_html_put(h, "</b></span></p>\n");
}

/* What a reader must know before the figures. */
static void put_alerts(struct report_html *h, const struct report_run *r)
{
    if (r->is_running)
        report_html_put(
            h, "<p class=alert>This run has not ended: it is going on, or its "
               "program was killed. The figures are those of this moment.</p>\n");
    else if (r->queued)
        report_html_put(
            h, "<p class=alert>This run is not complete: URLs are still queued, "
               "and the next start goes on with them.</p>\n");
    if (!r->is_last)
        report_html_put(
            h, "<p class=alert>This is not the last run of the database. Requests "
               "and times are this run&#39;s; links, titles, duplicates and "
               "orphans are as the database knows them now.</p>\n");
}

static void put_navigation(struct report_html *h)
{
    report_html_put(h, "<nav aria-label=\"On this page\"><ul>"
                       "<li><a href=#overview>Overview</a></li>");
    for (size_t i = 0; report_sections[i].table.part; i++)
        if (report_sections[i].chip)
            report_html_format(h, "<li><a href=#%s>%s</a></li>",
                               report_sections[i].table.id, report_sections[i].chip);
    report_html_put(h, "</ul></nav>\n");
}

enum err report_parts_head(struct report_html *h, const struct report_found *f)
{
    char hash[REPORT_POLICY_HASH_SIZE];
    enum err e = report_policy_hash(report_style(), hash);

    if (e)
        return e;
    report_html_put(h, REPORT_MARK);
    report_html_format(
        h,
        "<meta http-equiv=Content-Security-Policy content=\"default-src "
        "&#39;none&#39;; style-src &#39;%s&#39;; img-src data:; base-uri "
        "&#39;none&#39;; form-action &#39;none&#39;\">\n",
        hash);
    report_html_put(
        h, "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n"
           "<meta name=referrer content=no-referrer>\n"
           "<meta name=robots content=noindex>\n"
           "<meta name=color-scheme content=\"light dark\">\n"
           "<link rel=icon href=\"data:,\">\n<title>");
    put_title(h, f);
    report_html_put(h, "</title>\n<style>");
    report_html_markup(h, report_style());
    report_html_put(
        h, "</style>\n</head>\n<body>\n<a class=skip href=#overview>Skip to the "
           "overview</a>\n<header class=head>\n<h1>");
    put_title(h, f);
    report_html_put(h, "</h1>\n");
    put_meta(h, f);
    put_alerts(h, &f->run);
    report_html_put(h, "</header>\n");
    put_navigation(h);
    report_html_put(h, "<main id=overview tabindex=-1>\n");
    return OK;
}

void report_parts_foot(struct report_html *h)
{
    char text[FIGURES_SIZE];

    report_html_format(
        h,
        "</main>\n<footer>Made by crawl %s on %s. Everything in this page "
        "comes from the database; <code>crawl sql --list</code> names the "
        "reports that list every row.</footer>\n</body>\n</html>\n",
        CRAWL_VERSION, figures_moment(clock_wall_ms(), text));
}

/* --- tiles ------------------------------------------------------------------------- */

/* A large figure and a line below it; before < 0: no previous run. */
static void put_tile(struct report_html *h, const char *name, const char *figure,
                     const char *more, bool is_bad)
{
    report_html_format(
        h,
        "<div class=\"tile%s\"><dt>%s</dt><dd>%s</dd><dd class=more>%s</dd>"
        "</div>\n",
        is_bad ? " bad" : "", name, figure, more);
}

static void put_change(const struct report_found *f, int64_t now, int64_t before,
                       char *out, size_t size)
{
    char text[FIGURES_SIZE];

    if (!f->previous.id)
        snprintf(out, size, "first run of this database");
    else if (now == before)
        snprintf(out, size, "as in run %lld", (long long)f->previous.id);
    else
        snprintf(out, size, "%s %s than in run %lld",
                 figures_count(now > before ? now - before : before - now, text),
                 now > before ? "more" : "fewer", (long long)f->previous.id);
}

static void put_times(struct report_html *h, const struct report_tally *t)
{
    char figure[FIGURES_SIZE], p90[FIGURES_SIZE], p99[FIGURES_SIZE], more[160];

    if (!t->times.n) {
        put_tile(h, "Median response", "\u2013", "no answer was timed", false);
        return;
    }
    snprintf(more, sizeof more, "p90 %s &#183; p99 %s",
             figures_duration(report_tally_percentile(&t->times, 0.9), p90),
             figures_duration(report_tally_percentile(&t->times, 0.99), p99));
    put_tile(h, "Median response",
             figures_duration(report_tally_percentile(&t->times, 0.5), figure), more,
             false);
}

void report_parts_tiles(struct report_html *h, const struct report_found *f)
{
    const struct report_run *r = &f->run;
    const struct report_tally *t = f->tally;
    int64_t ms = MAX(r->ended_at - r->started_at, INT64_C(0)), errors = t->errors;
    int64_t known = r->queued + r->fetched + r->not_modified + r->failed + r->excluded;
    char a[FIGURES_SIZE], b[FIGURES_SIZE], more[160];

    report_html_put(h, "<dl class=tiles>\n");
    put_change(f, r->requests, f->previous.requests, more, sizeof more);
    put_tile(h, "Requests", figures_count(r->requests, a), more, false);
    snprintf(more, sizeof more, "%s of the requests",
             figures_percent(errors, t->requests, b));
    put_tile(h, "Errors", figures_count(errors, a),
             t->requests ? more : "no request is recorded", errors > 0);
    put_times(h, t);
    snprintf(more, sizeof more, "in %s", figures_duration(ms, b));
    put_tile(h, "Requests a second",
             ms ? figures_rate((double)r->requests * 1000 / (double)ms, a) : "\u2013",
             ms ? more : "it took no time", false);
    if (t->answered)
        snprintf(more, sizeof more, "%s an answer on average", figures_bytes(r->bytes / t->answered, b));
    put_tile(h, "Transferred", figures_bytes(r->bytes, a), t->answered ? more : "nothing was answered", false);
    snprintf(more, sizeof more, "%s new in this run", figures_count(r->new_urls, b));
    put_tile(h, "URLs known", figures_count(known, a), more, false);
    snprintf(more, sizeof more, "targets, %s links to them",
             figures_count(f->totals[0].n[1], b));
    put_tile(h, "Broken links", figures_count(f->totals[0].n[0], a), more,
             f->totals[0].n[0] > 0);
    snprintf(more, sizeof more,
             r->queued ? "the next start goes on with them" : "nothing is left to do");
    put_tile(h, "Still queued", figures_count(r->queued, a), more, false);
    report_html_put(h, "</dl>\n");
}

/* --- findings ---------------------------------------------------------------------- */

static void put_weight(struct report_html *h, enum report_weight weight)
{
    static const struct {
        const char *tone, *word;
    } words[] = {
        [REPORT_INFO] = { "moved", "info" },
        [REPORT_NOTICE] = { "moved", "notice" },
        [REPORT_WARNING] = { "warn", "warning" },
        [REPORT_PROBLEM] = { "bad", "problem" },
    };

    report_html_format(h, "<span class=\"pill p-%s\">%s</span>", words[weight].tone,
                       words[weight].word);
}

void report_parts_findings(struct report_html *h, const struct report_found *f)
{
    char text[FIGURES_SIZE];
    size_t n = 0;

    report_html_put(h, "<section class=\"card half\"><h2>Findings</h2>"
                       "<p class=about>What deserves attention, gravest first.</p>\n"
                       "<ul class=findings>");
    for (int weight = REPORT_PROBLEM; weight > REPORT_INFO; weight--)
        for (size_t i = 0; report_sections[i].table.part; i++) {
            const struct report_section *s = &report_sections[i];
            int64_t found = f->totals[i].n[s->counted];

            if (!s->finding[0] || (int)s->weight != weight || !found)
                continue;
            report_html_put(h, "<li>");
            put_weight(h, s->weight);
            report_html_format(h, "<span class=n>%s</span><a href=#%s>%s</a></li>\n",
                               figures_count(found, text), s->table.id, s->finding[found != 1]);
            n++;
        }
    if (!f->run.fetched && !f->run.not_modified) { /* of no pages, everything is true */
        report_html_put(h, n ? "</ul></section>\n"
                             : "<li>No URL has been answered: nothing can be said of what was to be crawled."
                               "</li></ul></section>\n");
        return;
    }
    report_html_put(h, n ? "</ul>" : "<li>Nothing was found wrong.</li></ul>");
    report_html_put(h, "<p class=passed><span class=\"pill p-ok\">in order</span>");
    for (size_t i = 0; report_sections[i].table.part; i++)
        if (report_sections[i].finding[0] && !f->totals[i].n[report_sections[i].counted] &&
            !f->totals[i].n_rows && !f->totals[i].is_unknown)
            report_html_format(h, " %s", report_sections[i].table.none);
    report_html_put(h, "</p></section>\n");
}

void report_parts_states(struct report_html *h, const struct report_found *f)
{
    const struct report_run *r = &f->run;
    const struct report_bar bars[] = {
        { SPAN("Fetched"), "ok", r->fetched, SPAN_NONE },
        { SPAN("Not modified"), "moved", r->not_modified, SPAN_NONE },
        { SPAN("Failed"), "bad", r->failed, SPAN_NONE },
        { SPAN("Queued"), "two", r->queued, SPAN_NONE },
        { SPAN("Excluded"), "mute", r->excluded, SPAN_NONE },
    };

    report_html_put(
        h, "<section class=\"card half\"><h2>What became of the URLs</h2>"
           "<p class=about>Fetched means answered, whatever the status; excluded, "
           "decided against (<a href=#excluded>why</a>).</p>\n");
    report_chart_parts(h, bars, ARRAY_LEN(bars));
    report_html_put(h, "</section>\n");
}

/* --- comparison -------------------------------------------------------------------- */

static void put_compared(struct report_html *h, const char *name, int64_t before,
                         int64_t now, char *(*format)(int64_t, char[FIGURES_SIZE]))
{
    int64_t change = now > before ? now - before : before - now;
    const char *sign = now > before ? "+" : now < before ? "\u2212" : "";
    char a[FIGURES_SIZE], b[FIGURES_SIZE], c[FIGURES_SIZE];

    report_html_format(h,
                       "<tr><th scope=row>%s</th><td class=n>%s</td><td class=n>%s</td>"
                       "<td class=n>%s%s</td>",
                       name, format(before, a), format(now, b), sign,
                       format(change, c));
    if (before)
        report_html_format(h, "<td class=n>%s%.1f %%</td></tr>\n", sign,
                           (double)change * 100 / (double)before);
    else
        report_html_put(h, "<td class=n>\u2013</td></tr>\n");
}

void report_parts_comparison(struct report_html *h, const struct report_found *f)
{
    const struct report_run *was = &f->previous, *is = &f->run;

    if (!was->id)
        return; /* the first tile says so */
    report_html_put(h,
                    "<section class=block id=comparison aria-labelledby=comparison-h>"
                    "<h2 id=comparison-h>Beside the run before</h2>\n");
    report_html_format(
        h,
        "<p class=about>Counts at the end of each run.</p><div class=scroll "
        "role=region tabindex=0 aria-labelledby=comparison-h><table class=plain><thead><tr>"
        "<th scope=col>Figure</th><th scope=col class=n>Run %lld</th>"
        "<th scope=col class=n>Run %lld</th><th scope=col class=n>Change</th>"
        "<th scope=col class=n>In per cent</th></tr></thead><tbody>\n",
        (long long)was->id, (long long)is->id);
    put_compared(h, "Requests", was->requests, is->requests, figures_count);
    put_compared(h, "Answered page requests", was->pages, is->pages, figures_count);
    put_compared(h, "Transferred", was->bytes, is->bytes, figures_bytes);
    put_compared(h, "Time", MAX(was->ended_at - was->started_at, INT64_C(0)),
                 MAX(is->ended_at - is->started_at, INT64_C(0)), figures_duration);
    put_compared(h, "New URLs", was->new_urls, is->new_urls, figures_count);
    put_compared(h, "Fetched", was->fetched, is->fetched, figures_count);
    put_compared(h, "Not modified", was->not_modified, is->not_modified, figures_count);
    put_compared(h, "Failed", was->failed, is->failed, figures_count);
    put_compared(h, "Excluded", was->excluded, is->excluded, figures_count);
    put_compared(h, "Queued", was->queued, is->queued, figures_count);
    report_html_put(h, "</tbody></table></div></section>\n");
}
