/* SPDX-License-Identifier: MIT */
/*
 * What tests/faults/shim.c is told, through the environment of the program that
 * it is loaded into (LD_PRELOAD), and what it tells through a shared file.
 */
#pragma once

#include <stdint.h>

/* Families of calls; FAULT_CALLS names one. */
#define FAULT_DISK    "disk"    /* what writes or changes regular files */
#define FAULT_OPEN    "open"    /* what opens or creates files */
#define FAULT_MEMORY  "memory"  /* malloc and its kin */
#define FAULT_KERNEL  "kernel"  /* sockets, epoll, timers, events, memory maps */
#define FAULT_PROCESS "process" /* threads and processes */

/*
 * FAULT_AT=n: the nth call (from 1) meets the fault; FAULT_STAYS=1: every one
 * after it too. FAULT_DO: the name of an errno; "short": half of a write is
 * done; "kill": SIGKILL before the call; "torn": SIGKILL after half of a write
 * (after the whole call, where it writes nothing). FAULT_WHO: "main" (default),
 * or "helpers": the zygote and its parser processes. FAULT_REPORT: a file of at
 * least this struct. FAULT_CLOCK: a file with one int64_t, the nanoseconds by
 * which the wall clock is wrong; read at each call. FAULT_FREE: bytes that every
 * disk says are free.
 */
struct fault_report {
    int64_t calls; /* of the family, so far */
    int64_t hits;  /* that met the fault */
};
