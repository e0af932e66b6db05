/* SPDX-License-Identifier: MIT */
/*
 * What a parser process is asked, and what it answers. Plain data; parse/wire.h
 * carries both over the process border, parse/worker.h does the work.
 */
#pragma once

#include "parse/facts.h"
#include "parse/robots.h"
#include "parse/sitemap.h"

/* Of a page's text, so much is indexed. */
#define JOB_INDEXED_BYTES ((uint64_t)2 * MIB)

enum job_kind {
    JOB_PAGE,    /* decode, charset, HTML/XML/text/feed -> page_facts */
    JOB_ROBOTS,  /* decode, charset -> rules for the product token */
    JOB_SITEMAP, /* decode (also a gzip file), charset -> entries */
    JOB_UNPACK,  /* a stored (zstd) body back to bytes: answer.bytes */
    JOB_TEXT,    /* a stored body to the page's text, as it is read or (wants_text) indexed: answer.bytes */
    JOB_INSPECT, /* command and JSON request -> JSON answer (answer.bytes); crawl inspect */
    JOB_MISBEHAVE, /* tests only: crash, hang, lie, eat memory, break out; refused unless enabled */
    N_JOB_KINDS
};

struct job {
    uint8_t kind;
    struct span url;
    struct span content_type;     /* header value; empty = none */
    struct span content_encoding; /* header value */
    struct span headers;          /* raw block "Name: value\r\n" (Link, X-Robots-Tag, Refresh ... are read from it) */
    struct span product_token;
    struct span command;          /* JOB_INSPECT, JOB_MISBEHAVE */
    struct span rules;            /* JOB_PAGE: extraction rules as parse/rules.h writes them; empty: none */
    uint64_t max_decoded_bytes;
    uint64_t max_text_bytes;
    uint32_t max_links;
    bool wants_text, wants_body, wants_body_all /* also of types that are no text */, wants_details;
    bool wants_facts; /* what the page says about itself, in facts_json */
    /* The body: in the shared body region, or inline when region_len is 0. */
    uint64_t region_offset;
    uint64_t region_len;
    struct span inline_body;
    /*
     * The zstd dictionary of stored bodies (parse/pack.h), for JOB_PAGE and JOB_UNPACK:
     * its id, 0 for none, and where it is: in the region, or inline when dictionary_len
     * is 0. With wants_dictionary there is none yet: HTML pages are sampled, and the one
     * made of them, which comes back with a page, is to bear this id.
     */
    bool wants_dictionary;
    uint32_t dictionary_id;
    uint64_t dictionary_offset;
    uint64_t dictionary_len;
    struct span inline_dictionary;
};

/* All spans lie in one block that the answer owns, apart from arrays in mem. */
struct answer {
    uint8_t kind; /* of the job */
    struct page_facts page;
    struct robots_rules robots;
    struct span robots_text; /* UTF-8, for the database */
    struct sitemap sitemap;
    uint8_t decode; /* enum decode_outcome, for robots and sitemaps */
    struct span bytes;
};
