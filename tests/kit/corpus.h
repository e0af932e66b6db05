/* SPDX-License-Identifier: MIT */
/*
 * A folder of HTML files as a site for tests/kit/origin: each file under its
 * path below the folder, and pages that lead to all of them. Read into memory
 * whole, so that serving it touches no disk. A kit for benchmarks: without
 * memory it aborts.
 */
#pragma once

#include "tests/kit/origin.h"

struct corpus;

/*
 * Every *.html below folder that can be read, has at most 10 MiB, and has a path
 * of at most 240 bytes as a URL. Symbolic links and hidden names are passed over;
 * beyond 4 GiB in all nothing more is read. Never NULL; freed by corpus_free.
 */
struct corpus *corpus_read(const char *folder) MUST_USE;
/* NULL is fine. */
void corpus_free(struct corpus *c);

/* Files, and their bytes. */
size_t corpus_n_files(const struct corpus *c);
size_t corpus_n_bytes(const struct corpus *c);
/* The content of file number i. */
struct span corpus_file(const struct corpus *c, size_t i);

/* Pages to be found from "/": the files, "/" itself, and a list for every 100 files. */
size_t corpus_n_pages(const struct corpus *c);

/* A route's generate; arg is the corpus. 404 for what is none of its pages, queries included. */
void corpus_answer(void *arg, const struct origin_request *r, int *io_status,
                   struct buf *out);
