/* SPDX-License-Identifier: MIT */
/*
 * Which vocabulary does an element of a feed belong to? Decided by the
 * namespace its prefix is declared for, else by the prefix that is customary,
 * because feeds get their declarations wrong. An element without a prefix is
 * the feed's own, whatever the default namespace says. Private to parse/feed.c.
 */
#pragma once

#include "parse/xml.h"

/* Further declarations are ignored. */
#define FEED_MAX_PREFIXES     16
#define FEED_MAX_PREFIX_BYTES 16

enum feed_vocabulary {
    FEED_VOC_OTHER,
    FEED_VOC_CORE, /* RSS in RSS, Atom in Atom */
    FEED_VOC_ATOM,
    FEED_VOC_DC,
    FEED_VOC_DCTERMS,
};

/* All zero: nothing is declared yet. */
struct feed_prefixes {
    struct {
        char name[FEED_MAX_PREFIX_BYTES];
        enum feed_vocabulary vocabulary;
    } items[FEED_MAX_PREFIXES];

    size_t n;
};

/*
 * Takes up the xmlns:prefix attributes of an element. They count for the whole
 * document: nobody gives one prefix two meanings.
 */
void feed_vocabulary_note(struct feed_prefixes *p, const struct xml_element *el);

/* From now on this prefix means v. Empty and overlong prefixes are ignored. */
void feed_vocabulary_add(struct feed_prefixes *p, struct span prefix,
                         enum feed_vocabulary v);

/* FEED_VOC_OTHER for prefixes that say nothing to us. */
enum feed_vocabulary feed_vocabulary_of_prefix(const struct feed_prefixes *p,
                                               struct span prefix);
