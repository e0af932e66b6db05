/* SPDX-License-Identifier: MIT */
#include "crawler/report.h"

#include <stdio.h>

#include "config/mem.h"
#include "crawler/report_parts.h"

#define MAX_PAGE ((size_t)256 * MIB)
#define CACHE_BYTES \
    (96 * MIB) /* of a query's own; the rest of a large sort goes to a file */
#define MAX_SECTIONS 24
#define N_PARAMS     4
#define LAST_MOMENT  INT64_C(253402300799999) /* 9999-12-31 */

/* --- the run ----------------------------------------------------------------------- */

struct outline {
    struct report_run run;
    bool is_there;
};

static void copy_word(const struct reader_value *v, char *out, size_t size)
{
    struct span s =
        v->type == READER_TEXT ? span_clip_utf8(v->text, size - 1) : SPAN_NONE;

    snprintf(out, size, "%.*s", SPAN_ARG(s));
}

/* A count or a moment of a sound file; anything else as 0. */
static int64_t number(const struct reader_value *values, enum reader_outline column)
{
    const struct reader_value *v = &values[column];

    return v->type == READER_INTEGER && v->integer > 0 ? v->integer : 0;
}

static enum err on_outline(void *arg, const struct span *columns,
                           const struct reader_value *v, size_t n)
{
    struct outline *o = arg;
    struct report_run *r = &o->run;

    (void)columns;
    BUG_IF(n != N_READER_OUTLINE_COLUMNS);
    if (!v)
        return OK;
    o->is_there = true;
    r->id = number(v, READER_OUTLINE_ID);
    r->previous = number(v, READER_OUTLINE_PREVIOUS);
    r->is_last = number(v, READER_OUTLINE_IS_LAST) == 1;
    copy_word(&v[READER_OUTLINE_STATE], r->state, sizeof r->state);
    copy_word(&v[READER_OUTLINE_STOP_REASON], r->stop_reason, sizeof r->stop_reason);
    copy_word(&v[READER_OUTLINE_VERSION], r->version, sizeof r->version);
    r->is_running = span_eq(span_str(r->state), SPAN("running"));
    r->started_at = MIN(number(v, READER_OUTLINE_STARTED_AT), LAST_MOMENT);
    r->ended_at = MIN(number(v, READER_OUTLINE_ENDED_AT), LAST_MOMENT);
    r->requests = number(v, READER_OUTLINE_REQUESTS);
    r->pages = number(v, READER_OUTLINE_PAGES);
    r->bytes = number(v, READER_OUTLINE_BYTES);
    r->new_urls = number(v, READER_OUTLINE_NEW_URLS);
    r->queued = number(v, READER_OUTLINE_QUEUED);
    r->fetched = number(v, READER_OUTLINE_FETCHED);
    r->not_modified = number(v, READER_OUTLINE_NOT_MODIFIED);
    r->failed = number(v, READER_OUTLINE_FAILED);
    r->excluded = number(v, READER_OUTLINE_EXCLUDED);
    r->first_fetch = number(v, READER_OUTLINE_FIRST_FETCH);
    r->last_fetch = number(v, READER_OUTLINE_LAST_FETCH);
    return OK;
}

/* id 0: the last run. */
static enum err read_run(struct reader *r, int64_t id, struct report_run *out,
                         struct err_note *note)
{
    struct outline o = { .is_there = false };
    char text[32];
    struct span param = span_make(text, 0);
    enum err e;

    param.len = (size_t)snprintf(text, sizeof text, "%lld", (long long)id);
    e = reader_query(r, span_str(reader_find_part("run")->sql), &param, 1, on_outline,
                     &o, note);
    if (e)
        return e;
    if (!o.is_there && id)
        return err_set(note, ERR_NOT_FOUND, "there is no run %lld; see crawl sql runs",
                       (long long)id);
    if (!o.is_there)
        return err_set(note, ERR_NOT_FOUND, "there is no run in this database yet");
    *out = o.run;
    return OK;
}

/* --- the lower half ---------------------------------------------------------------- */

struct page_counts {
    int64_t pages, without_title, without_description;
};

static enum err on_page_counts(void *arg, const struct span *columns,
                               const struct reader_value *v, size_t n)
{
    struct page_counts *c = arg;

    (void)columns;
    BUG_IF(n != 3);
    if (v)
        *c = (struct page_counts){ v[0].integer, (int64_t)v[1].real,
                                   (int64_t)v[2].real };
    return OK;
}

/* Totals of the tables whose queries give none: they stop at the rows wanted. */
static bool known_totals(const struct report_found *f, const struct page_counts *c,
                         const char *id, struct report_totals *out)
{
    const struct {
        const char *id;
        int64_t first, second;
    } known[] = {
        { "slowest", f->tally->answered, 0 },
        { "largest", f->tally->sizes.n, 0 },
        { "no-title", c->without_title, c->pages },
        { "no-description", c->without_description, c->pages },
    };

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (span_eq(span_str(id), span_str(known[i].id))) {
            *out = (struct report_totals){ .n = { known[i].first, known[i].second } };
            return true;
        }
    return false;
}

static enum err on_number(void *arg, const struct span *columns,
                          const struct reader_value *v, size_t n)
{
    (void)columns;
    BUG_IF(n != 1);
    if (v)
        *(int64_t *)arg = v[0].integer;
    return OK;
}

static enum err put_tables(struct report_html *h, struct reader *r,
                           const struct report_found *f, const struct span *params,
                           struct report_totals *totals, struct err_note *note)
{
    struct page_counts counts = { 0, 0, 0 };
    int64_t has_metrics = 0;
    enum err e = reader_query(r, span_str(reader_find_part("pages")->sql), params,
                              N_PARAMS, on_page_counts, &counts, note);

    if (!e)
        e = reader_query(r, span_str(reader_find_part("has-metrics")->sql), NULL, 0,
                         on_number, &has_metrics, note);
    for (size_t i = 0; !e && report_sections[i].table.part; i++) {
        const struct report_table *t = &report_sections[i].table;
        struct report_totals known;
        bool is_known = known_totals(f, &counts, t->id, &known);

        BUG_IF(i >= MAX_SECTIONS);
        totals[i].is_unknown = report_sections[i].needs_metrics && !has_metrics;
        if (totals[i].is_unknown)
            report_table_none(h, t);
        else
            e = report_table_put(h, r, t, params, is_known ? &known : NULL, &totals[i],
                                 note);
    }
    return e;
}

/* --- the page ---------------------------------------------------------------------- */

static enum err put_page(struct report_html *h, struct reader *r,
                         const struct report_found *f, const struct report_html *tables,
                         struct err_note *note)
{
    enum err e = report_parts_head(h, f);

    if (e)
        return err_set(note, e, "libcrypto has no SHA-256 here");
    report_parts_tiles(h, f);
    report_html_put(h, "<div class=grid>\n");
    report_parts_findings(h, f);
    report_parts_states(h, f);
    e = report_parts_charts(h, r, f, note);
    report_html_put(h, "</div>\n");
    report_parts_comparison(h, f);
    report_html_append(h, tables);
    report_parts_foot(h);
    return e;
}

static enum err collect(struct reader *r, const struct report_options *o,
                        struct report_found *f, struct err_note *note)
{
    enum err e = read_run(r, o->run, &f->run, note);

    if (!e && f->run.previous)
        e = read_run(r, f->run.previous, &f->previous, note);
    return e;
}

enum err report_write(struct reader *r, const struct report_options *o, struct buf *out,
                      struct err_note *note)
{
    struct report_totals totals[MAX_SECTIONS] = { 0 };
    struct report_found f = { .title = o->title,
                              .db_name = o->db_name,
                              .totals = totals };
    struct report_html page, tables;
    struct buf title;
    char numbers[N_PARAMS][32];
    struct span params[N_PARAMS];
    enum err e = reader_hold(r, CACHE_BYTES, note);

    report_html_init(&page, out->max);
    report_html_init(&tables, MAX_PAGE);
    buf_init(&title, (size_t)KIB);
    if (!e)
        e = collect(r, o, &f, note);
    if (!e) {
        const int64_t given[] = { f.run.id, f.run.first_fetch, f.run.last_fetch,
                                  o->rows };

        for (size_t i = 0; i < N_PARAMS; i++) {
            snprintf(numbers[i], sizeof numbers[i], "%lld", (long long)given[i]);
            params[i] = span_str(numbers[i]);
        }
        f.tally = report_tally_new(&f.run);
        e = reader_query(r, span_str(reader_find_part("answers")->sql), params,
                         N_PARAMS, report_tally_row, f.tally, note);
    }
    if (!e && !o->title.len) {
        e = report_parts_title(r, f.tally, &title, note);
        f.title = buf_span(&title);
    }
    if (!e)
        e = put_tables(&tables, r, &f, params, totals, note);
    if (!e)
        e = put_page(&page, r, &f, &tables, note);
    if (!e && page.e)
        e = err_set(note, page.e, "the report: %s", err_text(page.e));
    if (!e)
        e = buf_append(out, buf_span(&page.buf));
    report_tally_free(f.tally);
    report_html_clear(&page);
    report_html_clear(&tables);
    buf_clear(&title);
    return e;
}
