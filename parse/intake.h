/* SPDX-License-Identifier: MIT */
/*
 * The documents that are no pages, from the bytes on the wire to what the
 * crawl uses: robots.txt, sitemaps, feeds asked for by name, and bodies out of
 * the store. Coding, file compression and charset come off here; the parsers
 * behind see UTF-8. Everything in the results lies in the toolbox until its
 * next reset. Nothing here suspends.
 */
#pragma once

#include "parse/job.h"
#include "parse/toolbox.h"

/*
 * Takes off the content coding of wire, and that of a gzip file inside, and
 * turns the rest into UTF-8. What came before the damage counts; *out_decode
 * says what kind it was. ERR_NO_MEMORY, ERR_TOO_LARGE.
 */
enum err intake_text(struct toolbox *t, const struct job *job, struct span wire,
                     struct span *out_utf8, uint8_t *out_decode) MUST_USE;

/*
 * JOB_ROBOTS: rules for the job's product token, and the text for the
 * database. UTF-8 as RFC 9309 §2.3 wants it; a byte order mark of UTF-16 is
 * believed all the same. Errors as intake_text.
 */
enum err intake_robots(struct toolbox *t, const struct job *job, struct span wire,
                       struct answer *out) MUST_USE;

/* JOB_SITEMAP. Errors as intake_text; ERR_INVALID for a URL that is none. */
enum err intake_sitemap(struct toolbox *t, const struct job *job, struct span wire,
                        struct answer *out) MUST_USE;

/*
 * JOB_TEXT: the text of a page whose body was stored (as by parse/pack.h), as a
 * reader sees it (no pairs for scripts without spaces), cut at max_text_bytes.
 * Valid UTF-8 without NUL; empty for what is no text. Errors of page_parse.
 */
enum err intake_page_text(struct toolbox *t, const struct job *job, struct span stored,
                          struct answer *out) MUST_USE;

/* JOB_UNPACK: damage and size show in out->decode. ERR_NO_MEMORY. */
enum err intake_unpack(struct toolbox *t, const struct job *job, struct span packed,
                       struct answer *out) MUST_USE;
