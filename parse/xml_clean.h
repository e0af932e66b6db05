/* SPDX-License-Identifier: MIT */
/*
 * Mends XML so that a strict parser can read all of it: stray ampersands and
 * '<' are escaped, end tags that close nothing are dropped and missing ones
 * added, attributes are quoted, bytes that XML does not allow are replaced,
 * HTML's entities become characters. DOCTYPE, comments and processing
 * instructions are left out; CDATA becomes plain text. Everything stands in one
 * element XML_CLEAN_ROOT, so text before the root or several roots do no harm.
 *
 * Works in pieces, so the mended text is never in memory as a whole. Linear.
 * Private to parse/xml.c.
 */
#pragma once

#include "config/buf.h"
#include "parse/xml.h"

#define XML_CLEAN_ROOT "x"

struct xml_cleaner {
    struct span rest; /* still to be read */
    struct buf out;   /* mended text; the caller takes it and resets it */
    enum err e;       /* the first failure of out */
    bool is_begun, is_cdata;
    size_t depth;    /* of open */
    size_t n_hidden; /* start tags beyond XML_MAX_DEPTH that await their end */
    struct span open[XML_MAX_DEPTH];
};

void xml_clean_init(struct xml_cleaner *c, struct span body);

/*
 * Appends the next piece (up to some 64 KiB for text) to c->out. False at the
 * end, or when c->e is set.
 */
bool xml_clean_next(struct xml_cleaner *c);

void xml_clean_clear(struct xml_cleaner *c);
