/* SPDX-License-Identifier: MIT */
/*
 * The box that a parser process locks itself into before it sees a byte from
 * the web: from then on it can compute, sleep and ring its bell, and nothing
 * else. There is no way out of it but the end of the process.
 *
 *   no-new-privs   nothing it could execute gains rights; not dumpable, so
 *                  that its memory cannot be read through /proc or ptrace
 *   rlimits        memory as given; no new file, no process, no core, no byte
 *                  into a file. CPU time is the parent's business, page by page
 *   Landlock       an empty rule set over all that the kernel can restrict;
 *                  best effort, by raw system calls
 *   seccomp        a list of what is allowed; anything else kills the process
 *                  with SIGSYS (clone3 says ENOSYS, so that libc behaves)
 *
 * Allowed: read, write, writev on what is open, futex waits and wakes, memory
 * without PROT_EXEC, clocks, getrandom, sysinfo (qsort asks), the returns from
 * signal handlers, exit, and signals to itself (abort).
 *
 * So whatever opens files lazily must have done so before: the process maps its
 * shared memory and closes its descriptors first, and its warm-up must have
 *   - made one struct digest (libcrypto looks up its algorithms),
 *   - called xmlInitParser, and afterwards parses XML only with the options
 *     that keep libxml2 from opening an input or an iconv converter,
 *   - opened one uidna (ICU's data is in a library, but is mapped and checked
 *     on first use),
 *   - used libpsl's built-in list once, and formatted one time (time zone file).
 * parse/{charset,decode,tokenizer,html,robots} need no warm-up.
 */
#pragma once

#include "config/err.h"

struct sandbox_limits {
    uint64_t memory_bytes; /* address space on top of what is mapped now; 0: no limit */
    bool
        is_seccomp_off; /* for sanitizer builds, which need system calls of their own */
};

struct sandbox_report {
    bool has_no_new_privs;
    bool has_rlimits;
    bool has_seccomp;
    int landlock_abi; /* 0: not there */
};

#define SANDBOX_TEXT_SIZE 64

/*
 * Locks the calling process in; it must have one thread. ERR_IO (a limit could
 * not be set), ERR_UNSUPPORTED (no seccomp): the process may be partly
 * restricted then and must end; the note says what failed.
 */
enum err sandbox_enter(const struct sandbox_limits *limits, struct sandbox_report *out,
                       struct err_note *note) MUST_USE;

/* What is active, for people: "no-new-privs rlimits landlock-7 seccomp". */
void sandbox_format(const struct sandbox_report *report, char out[SANDBOX_TEXT_SIZE]);
