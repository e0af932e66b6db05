/* SPDX-License-Identifier: MIT */
/*
 * The upper half of a report: what stands above its tables. Each writes one part from
 * figures that are already there. Nothing here suspends.
 */
#pragma once

#include "crawler/report_chart.h"
#include "crawler/report_sections.h"

/* What report_write has found out. */
struct report_found {
    struct report_run run, previous; /* previous.id 0: there is none */
    struct report_tally *tally;
    struct span title, db_name;
    const struct report_totals *totals; /* of report_sections, in their order */
};

/* Appends a title for who gave none: the host that was asked most. */
enum err report_parts_title(struct reader *r, const struct report_tally *t,
                            struct buf *out, struct err_note *note) MUST_USE;
/* From <!DOCTYPE to the end of the header: title, the run in a line, navigation. */
enum err report_parts_head(struct report_html *h,
                           const struct report_found *f) MUST_USE;
/* The large figures, each with what it was in the run before. */
void report_parts_tiles(struct report_html *h, const struct report_found *f);
/* What is wrong, gravest first, and what is not. */
void report_parts_findings(struct report_html *h, const struct report_found *f);
/* What became of the URLs. */
void report_parts_states(struct report_html *h, const struct report_found *f);
/* Beside the previous run; nothing when there is none. */
void report_parts_comparison(struct report_html *h, const struct report_found *f);
/* The charts over the requests; those of hosts need names, so r is asked. */
enum err report_parts_charts(struct report_html *h, struct reader *r,
                             const struct report_found *f,
                             struct err_note *note) MUST_USE;
void report_parts_foot(struct report_html *h);
