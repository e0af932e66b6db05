/* SPDX-License-Identifier: MIT */
/*
 * One page while parse/html.c reads it: what its parts share. Included by
 * parse/html*.c only.
 */
#pragma once

#include "parse/header.h"
#include "parse/html.h"
#include "parse/html_rel.h"
#include "parse/html_resolve.h"
#include "parse/html_text.h"
#include "parse/tokenizer.h"

#define HTML_MAX_URL    ((size_t)8 * 1024)
#define HTML_MAX_REF    ((size_t)64 * 1024) /* as it stands in the page */
#define HTML_MAX_TITLE  1024
#define HTML_MAX_ANCHOR 1024
#define HTML_MAX_META   4096

/* A link that was seen; its URL is resolved when the base is known for sure. */
struct html_candidate {
    struct fact_link link;     /* url: the reference as decoded; text: empty */
    size_t text_from, text_to; /* anchor text, as marks of the page's text */
    bool is_from_header;       /* resolved against the document, not its base */
};

struct html_scratch {
    struct tokenizer tokenizer;
    struct html_text text;         /* visible text of the page */
    struct html_text piece;        /* title and the like, one at a time */
    struct buf decoded;            /* one attribute */
    struct buf candidates;         /* an array of struct html_candidate */
    struct html_resolver resolver; /* against the document base URL */
    struct html_resolver document; /* against the document's URL */
};

struct html_page {
    const struct html_input *in;
    struct html_scratch *scratch;
    struct arena *mem;
    struct page_facts facts; /* grows until the end */
    struct span base_ref;    /* href of the first base that has one */
    bool has_base;
    struct span refresh_ref; /* empty: the page itself */
    bool is_refresh_from_header;
    struct span canonical_ref;  /* of the first link rel=canonical */
    struct span http_canonical; /* of Link: rel=canonical */
    struct span http_lang, meta_lang;
    struct header_robots robots;
    struct span raw_rel; /* the last rel attribute, and what it became */
    struct html_rel rel;
    enum tag last_tag;     /* whose content a raw text token is */
    unsigned n_templates;  /* open ones */
    unsigned inert_at;     /* the how-manieth began inert content; 0: none */
    size_t anchor;         /* the candidate whose text is running, plus one; 0: none */
    unsigned anchor_depth; /* blocks opened inside it */
    enum tag media;        /* an open video or audio; TAG_OTHER: none */
    unsigned media_depth;  /* blocks opened inside it */
    bool is_in_h1;
    unsigned h1_depth; /* blocks opened inside it */
    size_t h1_from;
};

/* The decoded value: of the input, or copied into mem. */
enum err html_page_value(struct html_page *page, const struct token_attr *attr,
                         struct span *out) MUST_USE;

/* A copy in mem with white space collapsed, clipped to max bytes on a character's edge. */
enum err html_page_text(struct html_page *page, struct span text, size_t max,
                        struct span *out) MUST_USE;
