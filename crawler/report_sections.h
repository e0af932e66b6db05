/* SPDX-License-Identifier: MIT */
/* The tables that a report has, in their order, and what each finding is called. Plain data. */
#pragma once

#include "crawler/report_table.h"

enum report_weight {
    REPORT_INFO,
    REPORT_NOTICE,
    REPORT_WARNING,
    REPORT_PROBLEM,
};

struct report_section {
    struct report_table table;
    const char *chip;          /* its name in the page's navigation; NULL: it is not there */
    const char *finding[2];    /* in the list of findings, behind 1 and behind any other number; NULL: it is none */
    enum report_weight weight; /* of the finding, when there is one */
    bool needs_metrics;        /* there from schema 2 on */
    size_t counted;            /* which total the finding counts */
};

/* Ends with a NULL table.part. */
extern const struct report_section report_sections[];
