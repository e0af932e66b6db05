/* SPDX-License-Identifier: MIT */
/*
 * What the helper threads beside the loop have in common: they take no signals, those are the
 * loop's, and they wait by the monotonic clock, whatever the wall clock does.
 */
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* Starts a thread under a name of at most 15 bytes. 0, or an errno value. */
int thread_start(pthread_t *out, const char *name, void *(*run)(void *arg), void *arg);

/* A condition whose timed waits end at a thread_moment_in. */
void thread_cond_init(pthread_cond_t *out);
struct timespec thread_moment_in(int64_t ns);
