/* SPDX-License-Identifier: MIT */
/* The picture of a run over time: part of crawler/report_chart.h. */
#include "crawler/report_chart.h"

#define WIDTH_NARROW 340
#define LEFT         52
#define RIGHT        8
#define PANEL        96 /* height of a panel's plot */
#define PANEL_HEAD   26
#define FIRST_TOP    PANEL_HEAD
#define SECOND_TOP   (FIRST_TOP + PANEL + 18 + PANEL_HEAD)
#define VIEW_HEIGHT  (SECOND_TOP + PANEL + 24)

/* A panel: one value of each slot, a second. */
struct panel {
    const struct report_tally *t;
    int width, top;
    int64_t (*value)(const struct report_slot *slot);
    char *(*format)(int64_t, char[FIGURES_SIZE]);
    double scale; /* value of the topmost grid line, a second */
    int n_grid;
};

static int64_t requests_of(const struct report_slot *slot)
{
    return slot->requests;
}

static int64_t errors_of(const struct report_slot *slot)
{
    return slot->errors;
}

static int64_t bytes_of(const struct report_slot *slot)
{
    return slot->bytes;
}

static double rate(const struct report_tally *t, int64_t n)
{
    return (double)n * 1000 / (double)t->slot_ms;
}

static double x_at(const struct panel *p, double slot)
{
    return LEFT + slot / (double)p->t->n_slots * (p->width - LEFT - RIGHT);
}

static double y_at(const struct panel *p, double a_second)
{
    return p->top + PANEL - MIN(a_second / p->scale, 1.0) * PANEL;
}

static double peak(const struct panel *p)
{
    double most = 0;

    for (size_t i = 0; i < p->t->n_slots; i++)
        most = MAX(most, rate(p->t, p->value(&p->t->slots[i])));
    return most;
}

static void set_scale(struct panel *p, double top)
{
    int64_t step;

    p->n_grid = figures_grid(top, &step);
    p->scale = (double)(step * p->n_grid);
}

static void put_grid(struct report_html *h, const struct panel *p)
{
    for (int i = 0; i <= p->n_grid; i++) {
        double a_second = p->scale / p->n_grid * i, y = y_at(p, a_second);
        char text[FIGURES_SIZE];

        report_html_format(h,
                           "<line x1=%d x2=%d y1=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>"
                           "<text x=%d y=\"%.1f\" class=\"tick end\">%s</text>\n",
                           LEFT, p->width - RIGHT, y, y, i ? "grid" : "axis", LEFT - 6,
                           y + 3.5, p->format((int64_t)a_second, text));
    }
}

/* The line's points; as an area it goes down to the axis at both ends. */
static void put_shape(struct report_html *h, const struct panel *p,
                      int64_t (*value)(const struct report_slot *slot),
                      const char *class, bool is_area)
{
    const struct report_tally *t = p->t;
    int bottom = p->top + PANEL;

    report_html_format(h, "<path class=\"%s\" d=\"", class);
    if (is_area)
        report_html_format(h, "M%.1f %dL", x_at(p, 0.5), bottom);
    for (size_t i = 0; i < t->n_slots; i++)
        report_html_format(h, "%s%.1f %.1f", i || is_area ? " " : "M",
                           x_at(p, (double)i + 0.5),
                           y_at(p, rate(t, value(&t->slots[i]))));
    if (is_area)
        report_html_format(h, " %.1f %dZ", x_at(p, (double)t->n_slots - 0.5), bottom);
    report_html_put(h, "\"/>\n");
}

static void put_mean(struct report_html *h, const struct panel *p, double mean)
{
    double y = y_at(p, mean);

    report_html_format(h, "<line x1=%d x2=%d y1=\"%.1f\" y2=\"%.1f\" class=mean />\n",
                       LEFT, p->width - RIGHT, y, y);
}

/* Name and figures of a panel stand above it, where no line comes. */
static void put_head(struct report_html *h, const struct panel *p, const char *name,
                     const char *figures)
{
    report_html_format(h,
                       "<text x=0 y=%d class=\"label strong\">%s</text><text x=%d y=%d "
                       "class=\"value soft\">%s</text>\n",
                       p->top - 12, name, p->width, p->top - 12, figures);
}

static void put_requests(struct report_html *h, struct panel *p)
{
    char most[FIGURES_SIZE], mean[FIGURES_SIZE], figures[160];
    double a_second = (double)p->t->requests * 1000 / (double)p->t->span_ms, top = peak(p);

    set_scale(p, top);
    snprintf(figures, sizeof figures, "peak %s &#183; mean %s", figures_rate(top, most),
             figures_rate(a_second, mean));
    put_head(h, p, "Requests a second", figures);
    put_grid(h, p);
    put_shape(h, p, requests_of, "area", true);
    put_shape(h, p, requests_of, "line", false);
    put_shape(h, p, errors_of, "area-bad", true);
    put_mean(h, p, a_second);
}

static void put_bytes(struct report_html *h, struct panel *p)
{
    char most[FIGURES_SIZE], whole[FIGURES_SIZE], figures[160];
    double top = peak(p);

    set_scale(p, top);
    snprintf(figures, sizeof figures, "peak %s &#183; %s in all",
             figures_bytes((int64_t)top, most), figures_bytes(p->t->bytes, whole));
    put_head(h, p, "Bytes a second", figures);
    put_grid(h, p);
    put_shape(h, p, bytes_of, "area two", true);
    put_shape(h, p, bytes_of, "line two", false);
}

/* A step for the axis of time that gives no more than so many labels. */
static int64_t time_step(int64_t whole_ms, int most)
{
    static const int64_t steps_s[] = { 1,     2,     5,     10,    15,     30,    60,
                                       120,   300,   600,   900,   1800,   3600,  7200,
                                       10800, 21600, 43200, 86400, 172800, 604800 };

    if (whole_ms < 2000)
        return 200;
    for (size_t i = 0; i < ARRAY_LEN(steps_s); i++)
        if (whole_ms / (steps_s[i] * 1000) <= most)
            return steps_s[i] * 1000;
    return whole_ms / most + 1;
}

static void put_time(struct report_html *h, const struct panel *p, int most)
{
    int64_t whole = p->t->slot_ms * (int64_t)p->t->n_slots,
            step = time_step(whole, most);

    for (int64_t at = 0; at <= whole; at += step) {
        double x = x_at(p, (double)at / (double)p->t->slot_ms);
        bool is_end = x > p->width - 40;
        char text[FIGURES_SIZE];

        report_html_format(h,
                           "<line x1=\"%.1f\" x2=\"%.1f\" y1=%d y2=%d class=axis />"
                           "<text x=\"%.1f\" y=%d class=\"tick %s\">%s</text>\n",
                           x, x, p->top + PANEL, p->top + PANEL + 5, x,
                           p->top + PANEL + 19, is_end ? "end" : "mid",
                           at ? figures_duration(at, text) : "start");
    }
}

/* A strip for each slot that answers the pointer. */
static void put_strips(struct report_html *h, const struct panel *p)
{
    const struct report_tally *t = p->t;

    for (size_t i = 0; i < t->n_slots; i++) {
        char at[FIGURES_SIZE], a[FIGURES_SIZE], b[FIGURES_SIZE], c[FIGURES_SIZE];

        report_html_format(
            h,
            "<rect class=strip x=\"%.1f\" y=%d width=\"%.1f\" height=%d><title>after %s: "
            "%s requests a second, %s errors, %s a second</title></rect>\n",
            x_at(p, (double)i), FIRST_TOP, x_at(p, 1) - x_at(p, 0),
            SECOND_TOP + PANEL - FIRST_TOP,
            figures_duration((int64_t)i * t->slot_ms, at),
            figures_rate(rate(t, t->slots[i].requests), a),
            figures_count(t->slots[i].errors, b),
            figures_bytes((int64_t)rate(t, t->slots[i].bytes), c));
    }
}

static void put_picture(struct report_html *h, const struct report_tally *t, int width,
                        const char *class, int most_labels)
{
    struct panel requests = { t, width, FIRST_TOP, requests_of, figures_short, 1, 2 };
    struct panel bytes = { t, width, SECOND_TOP, bytes_of, figures_bytes, 1, 2 };

    report_html_format(
        h,
        "<svg class=%s viewBox=\"0 0 %d %d\" role=img aria-label=\"Requests "
        "and bytes a second over the time of the run; the figures are in "
        "the table below\">\n",
        class, width, VIEW_HEIGHT);
    put_requests(h, &requests);
    put_bytes(h, &bytes);
    put_time(h, &bytes, most_labels);
    put_strips(h, &bytes);
    report_html_put(h, "</svg>\n");
}

/* A dozen parts of the run say as much as a reader can use. */
static void put_figures(struct report_html *h, const struct report_tally *t)
{
    size_t each = MAX(t->n_slots / 12, (size_t)1);

    report_html_put(h,
                    "<details><summary>Figures</summary><table class=small><thead><tr>"
                    "<th scope=col>From</th><th scope=col class=n>Requests</th>"
                    "<th scope=col class=n>Errors</th><th scope=col class=n>Bytes</th>"
                    "</tr></thead><tbody>\n");
    for (size_t i = 0; i < t->n_slots; i += each) {
        char at[FIGURES_SIZE], a[FIGURES_SIZE], b[FIGURES_SIZE], c[FIGURES_SIZE];
        struct report_slot sum = { 0, 0, 0 };

        for (size_t k = i; k < MIN(i + each, t->n_slots); k++) {
            sum.requests += t->slots[k].requests;
            sum.errors += t->slots[k].errors;
            sum.bytes =
                MIN(sum.bytes, INT64_MAX - t->slots[k].bytes) + t->slots[k].bytes;
        }
        report_html_format(
            h,
            "<tr><th scope=row>%s</th><td class=n>%s</td><td class=n>%s</td>"
            "<td class=n>%s</td></tr>\n",
            figures_duration((int64_t)i * t->slot_ms, at),
            figures_count(sum.requests, a), figures_count(sum.errors, b),
            figures_bytes(sum.bytes, c));
    }
    report_html_put(h, "</tbody></table></details>\n");
}

void report_chart_progress(struct report_html *h, const struct report_tally *t)
{
    put_picture(h, t, 1120, "wide", 12);
    put_picture(h, t, WIDTH_NARROW, "narrow", 4);
    put_figures(h, t);
}
