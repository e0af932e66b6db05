/* SPDX-License-Identifier: MIT */
/*
 * A small crawl on a machine that fails: the program runs with
 * tests/faults/shim.c in it, the nth call of a family meets a fault, and then
 * everything that the program promises is looked at: the exit code and the
 * words, the database, what the next start asks for, and what it ends with.
 */
#pragma once

#include "config/base.h"
#include "tests/faults/shim.h"

struct fault {
    const char *calls;  /* FAULT_DISK ... */
    const char *action; /* an errno's name, "short", "kill" or "torn" */
    bool stays;         /* every call after the nth too */
    bool in_helpers; /* in the zygote and the parser processes instead of the program */
};

/* Where a sweep over one fault begins; what may end the faulted start depends on the fault alone. */
struct fault_result {
    int64_t calls;      /* of the family, made by the faulted start */
    bool was_hit;       /* the fault took place */
    int exit_code;      /* of that start */
    char problem[1024]; /* which promise was broken and how; empty: none */
};

/* What the sweeps go through. */
extern const struct fault faults_all[];
extern const size_t faults_count;

/* "disk ENOSPC, and ever after"; valid until the next call. */
const char *faults_name(const struct fault *f);

/* One small crawl with the fault at the nth call (from 1), and all the judging. */
void faults_try(const struct fault *f, int64_t n, struct fault_result *out);

/* Loads the shim into every program started from now on, until faults_unload. calls may be NULL: only the clock. */
void faults_load(const char *report_path, const char *clock_path);
void faults_unload(void);
