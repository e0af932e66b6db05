/* SPDX-License-Identifier: MIT */
#include "parse/feed_vocabulary.h"

static enum feed_vocabulary of_uri(struct span uri)
{
    static const struct {
        const char *part;
        enum feed_vocabulary vocabulary;
    } known[] = {
        { "purl.org/dc/elements/", FEED_VOC_DC },
        { "purl.org/dc/terms", FEED_VOC_DCTERMS },
        { "www.w3.org/2005/Atom", FEED_VOC_ATOM },
        { "purl.org/atom/ns", FEED_VOC_ATOM },
        { "purl.org/rss/1.0/", FEED_VOC_CORE },
    };

    /* Modules of RSS 1.0 have addresses under that of RSS 1.0 itself. */
    if (span_find_span(uri, SPAN("/modules/")) < uri.len)
        return FEED_VOC_OTHER;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (span_find_nocase(uri, span_str(known[i].part)) < uri.len)
            return known[i].vocabulary;
    return FEED_VOC_OTHER;
}

void feed_vocabulary_note(struct feed_prefixes *p, const struct xml_element *el)
{
    for (size_t i = 0; i < el->n_attributes; i++) {
        const struct xml_attribute *a = &el->attributes[i];
        enum feed_vocabulary v;

        if (!span_eq(a->name.prefix, SPAN("xmlns")))
            continue;
        v = of_uri(a->value);
        if (v != FEED_VOC_OTHER)
            feed_vocabulary_add(p, a->name.local, v);
    }
}

void feed_vocabulary_add(struct feed_prefixes *p, struct span prefix,
                         enum feed_vocabulary v)
{
    if (prefix.len == 0 || prefix.len >= FEED_MAX_PREFIX_BYTES ||
        p->n == FEED_MAX_PREFIXES)
        return;
    memcpy(p->items[p->n].name, prefix.ptr, prefix.len);
    p->items[p->n].name[prefix.len] = '\0';
    p->items[p->n].vocabulary = v;
    p->n++;
}

enum feed_vocabulary feed_vocabulary_of_prefix(const struct feed_prefixes *p,
                                               struct span prefix)
{
    static const struct {
        const char *name;
        enum feed_vocabulary vocabulary;
    } customary[] = {
        { "dc", FEED_VOC_DC },
        { "dcterms", FEED_VOC_DCTERMS },
        { "atom", FEED_VOC_ATOM },
        { "rss", FEED_VOC_CORE },
    };

    if (prefix.len == 0)
        return FEED_VOC_CORE;
    for (size_t i = 0; i < p->n; i++)
        if (span_eq(prefix, span_str(p->items[i].name)))
            return p->items[i].vocabulary;
    for (size_t i = 0; i < ARRAY_LEN(customary); i++)
        if (span_eq(prefix, span_str(customary[i].name)))
            return customary[i].vocabulary;
    return FEED_VOC_OTHER;
}
