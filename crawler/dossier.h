/* SPDX-License-Identifier: MIT */
/*
 * Everything the database knows about one URL, for a person (parts with titles,
 * a value a line or a table) or a program (one JSON object).
 */
#pragma once

#include "crawler/pager.h"
#include "store/reader.h"

struct dossier_options {
    bool is_json;
    bool has_all; /* every row of every part, not the first few, and long values whole on a terminal, too */
};

/* Prints it all for the row of that id. Errors of reader_query and pager_write. */
enum err dossier_print(struct reader *r, struct span id,
                       const struct dossier_options *o, struct pager *pager,
                       struct err_note *note) MUST_USE;
