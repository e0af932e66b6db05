/* SPDX-License-Identifier: MIT */
#include "crawler/report_style.h"

#include "report_css.inc"

struct span report_style(void)
{
    return span_make(report_css, sizeof report_css - 1);
}
