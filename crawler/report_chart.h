/* SPDX-License-Identifier: MIT */
/*
 * Charts as inline SVG: bars, columns over a scale of 1-2-5 steps, and progress over
 * time. Colours come from the page's style sheet by class, so that light, dark and print
 * work; every mark has a <title> with its exact figures, every picture a name, and
 * below it stands the same as a table that opens. Labels do not overlap by the way
 * they are placed, whatever the figures. Names of bars may come from the web.
 * Nothing here suspends.
 */
#pragma once

#include "crawler/figures.h"
#include "crawler/report_html.h"
#include "crawler/report_tally.h"

/* One bar. tone is a class of the style sheet: ok, moved, warn, bad, mute, main. */
struct report_bar {
    struct span name;
    const char *tone;
    int64_t n;
    struct span note; /* behind the count, instead of the share; may be empty */
};

/* A card around a picture: heading, sentence; open and close stand around it. */
void report_chart_open(struct report_html *h, const char *heading, const char *about);
void report_chart_close(struct report_html *h);
/* A card that has a sentence only. */
void report_chart_none(struct report_html *h, const char *heading,
                       const char *sentence);

/* Bars, in their order, as parts of whole; name_heading and n_heading head the table. */
void report_chart_bars(struct report_html *h, const struct report_bar *bars, size_t n,
                       int64_t whole, const char *name_heading, const char *n_heading);

/* One bar that is divided, with a legend below it. */
void report_chart_parts(struct report_html *h, const struct report_bar *bars, size_t n);

/* A spread with its percentiles; format writes an edge (figures_bytes, figures_duration). */
void report_chart_spread(struct report_html *h, const struct report_spread *s,
                         char *(*format)(int64_t, char[FIGURES_SIZE]));

/* Counts of 0, 1, 2 ... n - 1; the last is "n - 1 and more" when is_open. */
void report_chart_columns(struct report_html *h, const int64_t *counts, size_t n,
                          bool is_open);

/* Requests and bytes a second over the time of the run, for wide and for narrow pages. */
void report_chart_progress(struct report_html *h, const struct report_tally *t);
