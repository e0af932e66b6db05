/* SPDX-License-Identifier: MIT */
#include "crawler/report_chart.h"

#define WIDTH   360 /* user units of a picture in a card: about its pixels */
#define BAR_ROW 36
#define LONGEST_NAME \
    34 /* bytes of a bar's name, so that its figures stay clear of it */

/* Where columns stand. */
#define PLOT_LEFT   34
#define PLOT_RIGHT  (WIDTH - 6)
#define MARKS_TOP   54 /* of the plot below three rows of marks */
#define NUMBERS_TOP 22 /* and below the numbers on top of columns */
#define PLOT_BOTTOM 176
#define COLUMN_VIEW 206 /* height of the picture */
#define MAX_COLUMNS REPORT_TALLY_BUCKETS
#define FEW_COLUMNS 6

/* --- cards ------------------------------------------------------------------------- */

void report_chart_open(struct report_html *h, const char *heading, const char *about)
{
    report_html_format(h, "<section class=card><h2>%s</h2><p class=about>%s</p>\n",
                       heading, about);
}

void report_chart_close(struct report_html *h)
{
    report_html_put(h, "</section>\n");
}

void report_chart_none(struct report_html *h, const char *heading, const char *sentence)
{
    report_html_format(
        h, "<section class=card><h2>%s</h2><p class=none>%s</p></section>\n", heading,
        sentence);
}

/* The table that says the same as a picture. */
static void open_figures(struct report_html *h, const char *name, const char *n)
{
    report_html_format(h,
                       "<details><summary>Figures</summary><table class=small><thead>"
                       "<tr><th scope=col>%s</th><th scope=col class=n>%s</th></tr>"
                       "</thead><tbody>\n",
                       name, n);
}

static void close_figures(struct report_html *h)
{
    report_html_put(h, "</tbody></table></details>\n");
}

static void put_figure(struct report_html *h, struct span name, int64_t n)
{
    char text[FIGURES_SIZE];

    report_html_put(h, "<tr><th scope=row>");
    report_html_text(h, name, REPORT_HTML_CLIP);
    report_html_format(h, "</th><td class=n>%s</td></tr>\n", figures_count(n, text));
}

/* --- bars -------------------------------------------------------------------------- */

static void put_bar(struct report_html *h, const struct report_bar *bar, int y,
                    int64_t largest, int64_t whole)
{
    char count[FIGURES_SIZE], share[FIGURES_SIZE];
    double width = largest ? (double)bar->n / (double)largest * WIDTH : 0;

    figures_count(bar->n, count);
    figures_percent(bar->n, whole, share);
    report_html_put(h, "<g><title>");
    report_html_text(h, bar->name, REPORT_HTML_CLIP);
    report_html_format(h, ": %s (%s)</title>", count, share);
    report_html_format(h, "<text x=0 y=%d class=label>", y + 14);
    report_html_text(h, bar->name, LONGEST_NAME);
    report_html_format(h, "</text><text x=%d y=%d class=value>%s<tspan class=soft> ",
                       WIDTH, y + 14, count);
    report_html_text(h, bar->note.len ? bar->note : span_str(share), FIGURES_SIZE);
    report_html_format(h,
                       "</tspan></text><rect x=0 y=%d width=%d height=8 rx=4 "
                       "class=track /><rect x=0 y=%d width=\"%.1f\" height=8 rx=4 "
                       "class=\"f-%s\"/></g>\n",
                       y + 20, WIDTH, y + 20, bar->n ? MAX(width, 4.0) : 0, bar->tone);
}

void report_chart_bars(struct report_html *h, const struct report_bar *bars, size_t n,
                       int64_t whole, const char *name_heading, const char *n_heading)
{
    int64_t largest = 0;

    for (size_t i = 0; i < n; i++)
        largest = MAX(largest, bars[i].n);
    report_html_format(h,
                       "<svg viewBox=\"0 0 %d %d\" role=img aria-label=\"Bar chart: %s "
                       "by %s; the figures are in the table below\">\n",
                       WIDTH, (int)n * BAR_ROW, n_heading, name_heading);
    for (size_t i = 0; i < n; i++)
        put_bar(h, &bars[i], (int)i * BAR_ROW, largest, whole);
    report_html_put(h, "</svg>\n");
    open_figures(h, name_heading, n_heading);
    for (size_t i = 0; i < n; i++)
        put_figure(h, bars[i].name, bars[i].n);
    close_figures(h);
}

void report_chart_parts(struct report_html *h, const struct report_bar *bars, size_t n)
{
    char count[FIGURES_SIZE], share[FIGURES_SIZE];
    double at = 0;
    int64_t whole = 0;

    for (size_t i = 0; i < n; i++)
        whole += bars[i].n;
    report_html_put(h, "<svg class=parts viewBox=\"0 0 1000 10\" "
                       "preserveAspectRatio=none aria-hidden=true>\n");
    for (size_t i = 0; whole && i < n; i++) {
        double width = (double)bars[i].n / (double)whole * 1000;

        report_html_format(
            h,
            "<rect x=\"%.2f\" y=0 width=\"%.2f\" height=10 class=\"f-%s\">"
            "<title>%s: %s (%s)</title></rect>",
            at, width, bars[i].tone, bars[i].name.ptr, figures_count(bars[i].n, count),
            figures_percent(bars[i].n, whole, share));
        at += width;
    }
    report_html_put(h, "</svg><dl class=legend>\n");
    for (size_t i = 0; i < n; i++)
        report_html_format(
            h,
            "<div><dt class=\"k-%s\">%s</dt><dd>%s <span class=soft>%s</span></dd></div>\n",
            bars[i].tone, bars[i].name.ptr, figures_count(bars[i].n, count),
            figures_percent(bars[i].n, whole, share));
    report_html_put(h, "</dl>\n");
}

/* --- columns ----------------------------------------------------------------------- */

struct column_plot {
    const int64_t *counts;
    size_t n;
    int64_t whole;
    int n_grid; /* lines above the axis */
    int64_t grid_step;
    int y_top;   /* where the plot begins, below what stands above it */
    double step; /* width of a column with its gap */
    void (*name)(const struct column_plot *p, size_t i, char *out, size_t size);
    size_t first; /* bucket of the first column */
    bool is_open;
    char *(*format)(int64_t, char[FIGURES_SIZE]);
};

static double y_of(const struct column_plot *p, int64_t n)
{
    return PLOT_BOTTOM -
           (double)n / (double)(p->grid_step * p->n_grid) * (PLOT_BOTTOM - p->y_top);
}

static void put_grid(struct report_html *h, const struct column_plot *p)
{
    for (int i = 0; i <= p->n_grid; i++) {
        int64_t n = p->grid_step * i;
        char text[FIGURES_SIZE];
        double y = y_of(p, n);

        report_html_format(h,
                           "<line x1=%d x2=%d y1=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>"
                           "<text x=%d y=\"%.1f\" class=\"tick end\">%s</text>",
                           PLOT_LEFT, PLOT_RIGHT, y, y, i ? "grid" : "axis",
                           PLOT_LEFT - 5, y + 3.5, figures_short(n, text));
    }
    report_html_put(h, "\n");
}

static void put_columns(struct report_html *h, const struct column_plot *p)
{
    char name[3 * FIGURES_SIZE], count[FIGURES_SIZE], share[FIGURES_SIZE];

    for (size_t i = 0; i < p->n; i++) {
        double y = y_of(p, p->counts[i]);
        double x = PLOT_LEFT + (double)i * p->step;

        if (p->counts[i]) /* one of a million is still to be seen */
            y = MIN(y, PLOT_BOTTOM - 1.5);
        p->name(p, i, name, sizeof name);
        report_html_format(
            h,
            "<g class=hit><title>%s: %s (%s)</title><rect x=\"%.1f\" y=%d "
            "width=\"%.1f\" height=%d class=clear /><rect x=\"%.1f\" "
            "y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=1.5 "
            "class=\"f-main\"/></g>\n",
            name, figures_count(p->counts[i], count),
            figures_percent(p->counts[i], p->whole, share), x, p->y_top, p->step,
            PLOT_BOTTOM - p->y_top, x + 1, y, MAX(p->step - 2, 1.0), PLOT_BOTTOM - y);
    }
}

static void put_column_figures(struct report_html *h, const struct column_plot *p,
                               const char *heading)
{
    char name[3 * FIGURES_SIZE];

    open_figures(h, heading, "Requests");
    for (size_t i = 0; i < p->n; i++) {
        p->name(p, i, name, sizeof name);
        put_figure(h, span_str(name), p->counts[i]);
    }
    close_figures(h);
}

/* Opens the picture; sets step and grid. */
static void open_columns(struct report_html *h, struct column_plot *p, const char *what)
{
    int64_t largest = 1;

    for (size_t i = 0; i < p->n; i++)
        largest = MAX(largest, p->counts[i]);
    p->n_grid = figures_grid((double)largest, &p->grid_step);
    p->step = (double)(PLOT_RIGHT - PLOT_LEFT) / (double)p->n;
    report_html_format(h,
                       "<svg viewBox=\"0 0 %d %d\" role=img aria-label=\"Column chart: "
                       "%s; the figures are in the table below\">\n",
                       WIDTH, COLUMN_VIEW, what);
    put_grid(h, p);
}

/* --- a spread ---------------------------------------------------------------------- */

static void bucket_name(const struct column_plot *p, size_t i, char *out, size_t size)
{
    char from[FIGURES_SIZE], to[FIGURES_SIZE];
    size_t bucket = p->first + i;

    p->format(report_tally_edge(bucket), from);
    p->format(report_tally_edge(bucket + 1), to);
    if (bucket == 0)
        snprintf(out, size, "below %s", to);
    else
        snprintf(out, size, "%s to below %s", from, to);
}

/* Where a value stands: within its bucket by its share of it. */
static double x_of(const struct column_plot *p, int64_t value)
{
    size_t bucket = p->first;
    double from, to;

    while (bucket + 1 < p->first + p->n && report_tally_edge(bucket + 1) <= value)
        bucket++;
    from = (double)report_tally_edge(bucket);
    to = (double)report_tally_edge(bucket + 1);
    return PLOT_LEFT + p->step * ((double)(bucket - p->first) +
                                  MIN(((double)value - from) / (to - from), 1.0));
}

/* Each on a row of its own above the columns, so they cannot meet. */
static void put_marks(struct report_html *h, const struct column_plot *p,
                      const struct report_spread *s)
{
    static const struct {
        const char *name;
        double share;
    } marks[] = { { "median", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 } };

    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        int64_t value = report_tally_percentile(s, marks[i].share);
        double x = x_of(p, value);
        bool is_right = x > WIDTH * 0.6;
        int y = 11 + 15 * (int)i;
        char text[FIGURES_SIZE];

        report_html_format(h,
                           "<line x1=\"%.1f\" x2=\"%.1f\" y1=%d y2=%d class=mark />"
                           "<circle cx=\"%.1f\" cy=%d r=2.5 class=\"f-mark\"/>"
                           "<text x=\"%.1f\" y=%d class=\"tag%s\">%s <tspan "
                           "class=strong>%s</tspan></text>\n",
                           x, x, y - 4, PLOT_BOTTOM, x, y - 4, x + (is_right ? -7 : 7),
                           y, is_right ? " end" : "", marks[i].name,
                           p->format(value, text));
    }
}

/* Labels at 1, 10, 100 ...: three columns apart at least. */
static void put_edges(struct report_html *h, const struct column_plot *p)
{
    for (size_t i = 0; i <= p->n; i++) {
        double x = PLOT_LEFT + (double)i * p->step;
        size_t bucket = p->first + i;
        char text[FIGURES_SIZE];

        if (bucket % 3 != 1)
            continue;
        report_html_format(h,
                           "<line x1=\"%.1f\" x2=\"%.1f\" y1=%d y2=%d class=axis />"
                           "<text x=\"%.1f\" y=%d class=\"tick %s\">%s</text>\n",
                           x, x, PLOT_BOTTOM, PLOT_BOTTOM + 5, x, PLOT_BOTTOM + 19,
                           i == p->n ? "end" : "mid",
                           p->format(report_tally_edge(bucket), text));
    }
}

void report_chart_spread(struct report_html *h, const struct report_spread *s,
                         char *(*format)(int64_t, char[FIGURES_SIZE]))
{
    struct column_plot p = {
        .whole = s->n, .name = bucket_name, .format = format, .y_top = MARKS_TOP
    };
    size_t last = REPORT_TALLY_BUCKETS - 2;

    while (last > 0 && !s->buckets[last])
        last--;
    while (p.first < last && !s->buckets[p.first])
        p.first++;
    p.n = last - p.first + 1;
    while (p.n < FEW_COLUMNS) { /* one wide column is no picture */
        p.first -= p.first > 0;
        p.n++;
        if (p.n < FEW_COLUMNS && p.first + p.n < REPORT_TALLY_BUCKETS - 1)
            p.n++;
    }
    p.counts = &s->buckets[p.first];
    open_columns(h, &p, "requests by size of the value");
    put_columns(h, &p);
    put_marks(h, &p, s);
    put_edges(h, &p);
    report_html_put(h, "</svg>\n");
    put_column_figures(h, &p, "From, to");
}

/* --- whole numbers ----------------------------------------------------------------- */

static void number_name(const struct column_plot *p, size_t i, char *out, size_t size)
{
    snprintf(out, size, p->is_open && i + 1 == p->n ? "%zu and more" : "%zu", i);
}

void report_chart_columns(struct report_html *h, const int64_t *counts, size_t n,
                          bool is_open)
{
    struct column_plot p = {
        .counts = counts, .n = n, .is_open = is_open, .name = number_name
    };
    char text[FIGURES_SIZE];

    for (size_t i = 0; i < n; i++)
        p.whole += counts[i];
    open_columns(h, &p, "requests by depth");
    put_columns(h, &p);
    for (size_t i = 0; i < n; i++) {
        double x = PLOT_LEFT + ((double)i + 0.5) * p.step;

        report_html_format(h, "<text x=\"%.1f\" y=%d class=\"tick mid\">%zu%s</text>",
                           x, PLOT_BOTTOM + 17, i, is_open && i + 1 == n ? "+" : "");
        report_html_format(
            h, "<text x=\"%.1f\" y=\"%.1f\" class=\"tick mid\">%s</text>\n", x,
            y_of(&p, counts[i]) - 6, counts[i] ? figures_short(counts[i], text) : "");
    }
    report_html_put(h, "</svg>\n");
    put_column_figures(h, &p, "Depth");
}
