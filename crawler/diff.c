/* SPDX-License-Identifier: MIT */
#include "crawler/diff.h"

#include "crawler/diff_links.h"

const char *diff_word(enum diff_change change)
{
    static const char *const words[] = {
#define X(name, word) word,
        DIFF_TABLE(X)
#undef X
    };

    return change < N_DIFF_CHANGES ? words[change] : "?";
}

const char *diff_field_word(enum diff_field field)
{
    static const char *const words[N_DIFF_FIELDS] = {
        "status",      "redirect",      "content_type", "content",     "title",
        "description", "canonical_url", "robots_meta",  "x_robots_tag"
    };

    return field < N_DIFF_FIELDS ? words[field] : "?";
}

_Static_assert((int)READER_DIFF_IS_NEW == (int)DIFF_NEW &&
                   (int)READER_DIFF_IS_GONE == (int)DIFF_GONE &&
                   (int)READER_DIFF_HAS_FAILED == (int)DIFF_FAILED &&
                   (int)READER_DIFF_IS_BACK == (int)DIFF_BACK &&
                   (int)READER_DIFF_MAY_DIFFER == (int)DIFF_CHANGED,
               "the numbers of the query");
_Static_assert((int)READER_DIFF_STATUS + 2 * (int)N_DIFF_FIELDS ==
                   (int)N_READER_DIFF_URL_COLUMNS,
               "the fields of the query");

static enum err give(const struct diff *d, const struct diff_row *row)
{
    return d->fn ? d->fn(d->arg, row) : OK;
}

/* --- URLs --------------------------------------------------------------------------- */

static struct span text_of(const struct reader_value *v)
{
    return v->type == READER_TEXT ? v->text : SPAN_NONE;
}

/* Takes a field's values of then and now. */
static void take_field(struct diff_row *row, const struct reader_value *values,
                       enum diff_field field)
{
    const struct reader_value *pair = &values[READER_DIFF_STATUS + 2 * (int)field],
                              *distance = &values[READER_DIFF_DISTANCE];

    row->field = field;
    row->was = text_of(&pair[0]);
    row->now = text_of(&pair[1]);
    row->distance = field == DIFF_CONTENT && distance->type == READER_INTEGER
                        ? distance->integer
                        : -1;
}

/* A row for each field that differs. */
static enum err give_fields(struct diff *d, struct diff_row *row,
                            const struct reader_value *values)
{
    bool has_changed = false;
    enum err e = OK;

    for (int f = 0; !e && f < N_DIFF_FIELDS; f++) {
        take_field(row, values, (enum diff_field)f);
        if (span_eq(row->was, row->now))
            continue;
        has_changed = true;
        d->fields[f]++;
        e = give(d, row);
    }
    d->urls[DIFF_CHANGED] += has_changed;
    return e;
}

static enum err on_url(void *arg, const struct span *columns,
                       const struct reader_value *values, size_t n)
{
    struct diff *d = arg;
    struct diff_row row = { 0 };

    (void)columns;
    if (!values)
        return OK;
    BUG_IF(n < N_READER_DIFF_URL_COLUMNS);
    row.change = (enum diff_change)values[READER_DIFF_CHANGE].integer;
    row.url = text_of(&values[READER_DIFF_URL]);
    if (row.change == DIFF_CHANGED)
        return give_fields(d, &row, values);
    take_field(&row, values, DIFF_STATUS);
    d->urls[row.change]++;
    return give(d, &row);
}

static enum err on_coverage(void *arg, const struct span *columns,
                            const struct reader_value *values, size_t n)
{
    struct diff *d = arg;

    (void)columns;
    if (values && n >= 2) {
        d->asked = values[0].integer;
        d->quiet = values[1].integer;
    }
    return OK;
}

static enum err on_outdated(void *arg, const struct span *columns,
                            const struct reader_value *values, size_t n)
{
    struct diff *d = arg;

    (void)columns;
    if (values && n)
        d->outdated = values[0].integer;
    return OK;
}

enum err diff_read(struct reader *r, const struct reader_diff *runs, diff_row_fn *fn,
                   void *arg, struct diff *out, struct err_note *note)
{
    enum err e;

    *out = (struct diff){ .runs = *runs, .fn = fn, .arg = arg };
    e = reader_diff_query(r, runs, READER_DIFF_URLS, 0, on_url, out, note);
    if (!e)
        e = reader_diff_query(r, runs, READER_DIFF_COVERAGE, 0, on_coverage, out, note);
    if (!e)
        e = reader_diff_query(r, runs, READER_DIFF_OUTDATED, 0, on_outdated, out, note);
    if (!e)
        e = diff_links_read(r, runs, &out->links, note);
    return e;
}

/* --- links -------------------------------------------------------------------------- */

static enum err on_link(void *arg, const struct diff_link *link)
{
    struct diff *d = arg;
    struct diff_row row = { .change = DIFF_BROKEN,
                            .url = link->target,
                            .field = DIFF_STATUS,
                            .was = link->was,
                            .now = link->now,
                            .distance = -1,
                            .source = link->source };

    d->urls[DIFF_BROKEN]++;
    d->unsure += link->is_unsure;
    return give(d, &row);
}

enum err diff_finish(struct diff *d, struct crawl *c, const struct settings *s,
                     struct err_note *note)
{
    enum err e = diff_links_settle(d->links, c, s, note);

    return e ? e : diff_links_each(d->links, on_link, d);
}

void diff_clear(struct diff *d)
{
    diff_links_free(d->links);
    d->links = NULL;
}
