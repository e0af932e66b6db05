/* SPDX-License-Identifier: MIT */
/* Is a page well formed? A kit for tests of what writes HTML. */
#pragma once

#include "config/span.h"

struct markup {
    size_t n_elements, n_links, n_texts;
    bool
        has_script; /* a script element, an on... attribute, a URL that is a script's */
    bool
        asks_outside; /* something that a browser loads: src, srcset, url(), @import, link */
    char problem[200]; /* empty: every element is closed in its order, ids are unique */
};

/* Reads a whole page. */
void markup_read(struct span html, struct markup *out);
