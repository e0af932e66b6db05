/* SPDX-License-Identifier: MIT */
/*
 * What a parser process keeps from one job to the next: the libraries' contexts
 * and the buffers, so that a page costs few allocations and no context set-up.
 * Results of a job lie in mem and in the buffers; toolbox_reset ends their life.
 *
 * Opening it touches every library once, files included, so it is done before
 * the sandbox closes. Belongs to one thread.
 */
#pragma once

#include "config/arena.h"
#include "config/buf.h"
#include "parse/decode.h"
#include "parse/digest.h"
#include "parse/html.h"
#include "parse/pack.h"
#include "parse/trainer.h"

struct toolbox {
    struct arena mem;
    struct decoder *decoder;
    struct digest *digest;
    struct pack *pack;
    struct html_scratch *html;
    struct buf decoded;  /* content coding taken off */
    struct buf unzipped; /* a gzip file taken out of that */
    struct buf utf8;
    struct buf text; /* words for the index */
    struct buf packed;
    struct trainer *trainer; /* keeps its samples from job to job */
    struct buf dictionary;   /* that it made in this job */
};

/* max_bytes bounds mem. ERR_NO_MEMORY, ERR_UNSUPPORTED (a library lacks something). */
enum err toolbox_open(size_t max_bytes, struct toolbox *out) MUST_USE;
void toolbox_close(struct toolbox *t);

/* Before each job: empty again; memory that a large page needed is given back. */
void toolbox_reset(struct toolbox *t);

/*
 * Runs a small built-in page, robots.txt and sitemap through everything, so
 * that tables that libraries load on first use are there.
 */
void toolbox_warm_up(struct toolbox *t);
