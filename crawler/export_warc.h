/* SPDX-License-Identifier: MIT */
/*
 * A database's exchanges into WARC files: the stored (decoded) bodies, unpacked
 * in a sandboxed parser process, with the header lines as they were received.
 * An exchange whose body is not stored gives a metadata record, a 304 a revisit
 * record. Robots.txt and sitemaps are not among them: only a live archive
 * (crawler/archive.h) has their bytes.
 */
#pragma once

#include "crawler/warc.h"
#include "store/reader.h"

struct export_warc_counts {
    struct warc_counts records;
    int64_t n_damaged; /* stored bodies that did not unpack to what they should */
};

/*
 * Reads r in parts and writes as it reads; memory holds one body at a time.
 * pool_start_zygote must have been called. Blocks. What warc_open, reader_query
 * and pool_open return; the note says what and why.
 */
enum err export_warc(struct reader *r, const char *dir, struct export_warc_counts *out,
                     struct err_note *note) MUST_USE;
