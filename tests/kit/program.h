/* SPDX-License-Identifier: MIT */
/*
 * Runs the built program (build/<mode>/crawl beside the test binary) in a
 * folder of its own, and asks the database that it left. A kit for tests: what
 * fails here aborts.
 */
#pragma once

#include "config/buf.h"

struct program {
    char folder
        [64]; /* a fresh folder below $TMPDIR or /tmp; the working directory of every run */
    int pid;            /* while one runs */
    int exit_code;      /* of the last run; 128 + n for signal n */
    int64_t cpu_us;     /* of the last run, user and system, parser processes included */
    int max_files;      /* RLIMIT_NOFILE of the next runs, soft and hard; 0: as ours */
    int64_t max_memory; /* RLIMIT_AS, the same */
    int missing_call; /* number of a system call that the kernel lacks (ENOSYS) in the next runs; 0: none */
    bool is_bare; /* the next runs have no environment and no standard descriptors */
    int terminal_fd; /* of the next runs: all three standard descriptors; 0: none */
    int output_fd, error_fd; /* of the next runs; 0: a file, read into out and err */
    int64_t patience_ms; /* how long a run may take before it is killed; 0: 60 s */
    struct buf out, err; /* what the last run printed */
};

/* Makes the folder. */
void program_open(struct program *p);
/* Kills what runs, removes the folder. */
void program_close(struct program *p);

/* Runs `crawl ARGS...` to its end (at most patience_ms, then it is killed). The list ends with NULL. Returns the exit code. */
int program_run(struct program *p, const char *const *args);

/*
 * The same with what keeps a test on this machine in front of ARGS: loopback
 * allowed, a name server that does not answer, no progress line.
 */
int program_crawl(struct program *p, const char *const *args);
void program_start_crawl(struct program *p, const char *const *args);

/* Starts it and returns at once. */
void program_start(struct program *p, const char *const *args);
/* Waits for its end; returns the exit code. */
int program_wait(struct program *p);
/* Waits until it has ended, for program_wait to take; the most memory that it had, in MiB. */
int64_t program_peak_mib(const struct program *p);
void program_signal(struct program *p, int signo);
/* Kills what runs with SIGKILL and waits for its end. */
void program_kill(struct program *p);

/* Writes a file in the folder. */
void program_write(struct program *p, const char *name, struct span text);
/* Writes seeds.txt; $PORT in text becomes port. */
void program_seeds(struct program *p, uint16_t port, const char *text);
/* Did the last run print this text to standard error? */
bool program_said(const struct program *p, const char *text);
/* "folder/name"; valid for the next three calls. */
const char *program_path(struct program *p, const char *name);

/* The first value of a query on folder/crawl.db as a number (-1 for none) or text ("" for none; overwritten by the next). */
int64_t program_number(struct program *p, const char *sql);
const char *program_text(struct program *p, const char *sql);

/* Runs a statement that changes folder/crawl.db. */
void program_change(struct program *p, const char *sql);
