/* SPDX-License-Identifier: MIT */
/* The style sheet of a report: crawler/report.css. Nothing here suspends. */
#pragma once

#include "config/span.h"

/* The text, as it stands in the page's <style>. */
struct span report_style(void);
