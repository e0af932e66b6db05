/* SPDX-License-Identifier: MIT */
/*
 * The dictionary that the bodies of a database are compressed with: read at the
 * start, or made by the first parser process that has seen enough pages; then it is
 * kept where all of them can read it, written before any body that needs it, and
 * named in every page's job. One a database. Nothing here suspends.
 */
#pragma once

#include "fetch/result.h"
#include "parse/job.h"

struct crawl;

/* What struct crawl keeps of it. */
struct dictionary {
    uint32_t id; /* of ours, or that a new one is to bear; 0: there is to be none */
    struct body_ref body; /* in the region for good; empty while there is none */
};

/* Reads it from the store, before the writer starts and before there are bodies. Errors of the store. */
enum err dictionary_open(struct crawl *c, struct err_note *note) MUST_USE;
void dictionary_close(struct crawl *c);

/* Names it in a page's job, or asks for one. */
void dictionary_name(const struct crawl *c, struct job *job);

/* What came back with a page (copied): the first one counts. */
void dictionary_take(struct crawl *c, struct span bytes);
