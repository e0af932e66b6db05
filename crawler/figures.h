/* SPDX-License-Identifier: MIT */
/*
 * Numbers as people read them: 1,234 · 5.6 MB · 340 ms · 2 min 5 s · 12.5 %.
 * Sizes go by thousands, as the summary of a crawl does. Every function writes at most
 * FIGURES_SIZE bytes with the NUL and returns out. Nothing here suspends.
 */
#pragma once

#include "config/base.h"

#define FIGURES_SIZE 40

/* "1,234,567" */
char *figures_count(int64_t n, char out[FIGURES_SIZE]);
/* "950", "1.2k", "34M": at an axis, where room is scarce. */
char *figures_short(int64_t n, char out[FIGURES_SIZE]);
/* "512 B", "1.2 KB", "34 MB" */
char *figures_bytes(int64_t n, char out[FIGURES_SIZE]);
/* "7 ms", "1.25 s", "12 s", "3 min 20 s", "2 h 5 min", "3 d 4 h" */
char *figures_duration(int64_t ms, char out[FIGURES_SIZE]);
/* "12.5 %"; "under 0.1 %" for a small part that is not none; "-" of nothing. */
char *figures_percent(int64_t part, int64_t whole, char out[FIGURES_SIZE]);
/* n in seconds as a rate a second: "0.25", "12.5", "1,234" */
char *figures_rate(double a_second, char out[FIGURES_SIZE]);
/* "2026-11-29 02:51:04 UTC" of Unix milliseconds; "-" for what is no moment. */
char *figures_moment(int64_t wall_ms, char out[FIGURES_SIZE]);

/* The smallest of 1, 2, 5, 10, 20, 25, 50, 100, 200, 250 ... that is at least x. */
int64_t figures_round_step(double x);
/* How many grid lines (2 or 3) a scale up to largest gets above 0, and how far apart. */
int figures_grid(double largest, int64_t *step);
