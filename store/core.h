/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the store share while they work on one file: the
 * connection, the caches in front of it, the run, and what the running
 * transaction has counted so far. Used by the writer thread, or by the thread
 * that opened the store before the writer starts; never by both at a time.
 */
#pragma once

#include "store/db.h"
#include "store/store.h"

struct seen;
struct digest;
struct hosts;
struct links;
struct roll;
struct anchors;
struct depth;
struct bounce;
struct tally;
struct text;
struct deferred;

struct core {
    struct db *db;
    struct seen *seen;
    struct deferred *url_index;  /* url_by_hash */
    struct deferred *body_index; /* body_by_hash */
    struct hosts *hosts;
    struct digest *digest;
    struct links *links;
    struct roll *roll;
    struct anchors *anchors;
    struct depth *depth;
    struct bounce *bounce;
    struct tally *tally;
    struct text *text;
    struct store_options options; /* path is owned by the store */
    int64_t run_id;               /* 0 before store_begin_run */
    char *rules; /* of the run, owned; NULL before it */
    enum store_revisit revisit;
    bool asks_whole; /* pages whose text has no stored body are asked for without condition (renewal.h) */
    int64_t decided_from; /* known URLs that this run or a later one changed last are decided about (decided.h) */
    int64_t now_ms; /* wall clock, read once an op */
};
