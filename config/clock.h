/* SPDX-License-Identifier: MIT */
/*
 * Two clocks. Durations and deadlines run on CLOCK_BOOTTIME nanoseconds (it
 * goes on while the machine sleeps); what is stored is UTC in Unix milliseconds.
 * Tests replace both by a fake clock that only moves when told.
 */
#pragma once

#include "config/base.h"
#include "config/span.h"

/* Monotonic nanoseconds; only differences mean anything. */
int64_t clock_now_ns(void);

/* Unix milliseconds, UTC. */
int64_t clock_wall_ms(void);

/* from + delta, saturating at DEADLINE_NEVER. delta may be DEADLINE_NEVER. */
deadline clock_after(int64_t from_ns, int64_t delta_ns);

/* Length of clock_format_iso's text with its NUL. */
#define CLOCK_ISO_SIZE 32

/* "2026-11-21T09:20:00.123Z" into out; returns out. */
char *clock_format_iso(int64_t wall_ms, char out[CLOCK_ISO_SIZE]);

/* From now on both clocks stand still at the given values and move by clock_fake_advance. */
void clock_fake_start(int64_t now_ns, int64_t wall_ms);
void clock_fake_advance(int64_t ns);
void clock_fake_stop(void);
bool clock_is_fake(void);
