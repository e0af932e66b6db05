/* SPDX-License-Identifier: MIT */
/*
 * XML as found on the web (sitemaps, feeds): start tags, text and end tags in
 * order, from input that need not be well-formed. parse/xml_clean.h mends the
 * markup, libxml2's SAX parser reads it.
 *
 * Nothing outside the input is ever read and no entity is ever defined: a
 * DOCTYPE does not reach libxml2, so there is no DTD to load, no entity that
 * could name a file or grow (promises of XML 1.0 §4.4 that a crawler must not
 * keep). Only the predefined entities, HTML's names and character references
 * mean anything.
 *
 * The input must be UTF-8 by now; an encoding named in an XML declaration is
 * ignored. Names are reported with their prefix split off but not resolved.
 */
#pragma once

#include "config/err.h"
#include "config/span.h"

/* Elements nested deeper are treated as if only their content were there. */
#define XML_MAX_DEPTH 64
/* Further attributes of one element are dropped. */
#define XML_MAX_ATTRIBUTES 32

struct xml_name {
    struct span prefix, local; /* prefix is empty where there is none */
};

struct xml_attribute {
    struct xml_name name;
    struct span value;
};

struct xml_element {
    struct xml_name name;
    struct xml_attribute attributes[XML_MAX_ATTRIBUTES];
    size_t n_attributes;
};

/*
 * Who wants to know; embed it and find the rest by CONTAINER_OF. What is passed
 * is valid UTF-8 that lasts until the call returns. Every start has its end, in
 * order. Text comes in pieces of any size.
 */
struct xml_sink {
    void (*on_start)(struct xml_sink *sink, const struct xml_element *el);
    void (*on_text)(struct xml_sink *sink, struct span text);
    void (*on_end)(struct xml_sink *sink, const struct xml_name *name);
    bool is_full; /* set by the callbacks: nothing more is wanted */
};

/*
 * Reads body to its end, or until the sink is full. OK for input of any kind
 * (with no calls at all when there is no markup); ERR_NO_MEMORY. Linear in the
 * length of body.
 */
enum err xml_parse(struct span body, struct xml_sink *sink) MUST_USE;

/* Is this the local name, in any case? */
bool xml_is(const struct xml_name *name, struct span local);

/* The value of the first attribute with this local name, any prefix; SPAN_NONE if absent. */
struct span xml_attribute(const struct xml_element *el, struct span local);

/*
 * s without white space at both ends, Unicode's included, which people paste
 * into feeds: U+0085, U+00A0, U+1680, U+2000-U+200B, U+2028, U+2029, U+202F,
 * U+205F, U+3000, U+FEFF.
 */
struct span xml_trim(struct span s);
