/* SPDX-License-Identifier: MIT */
/* Which database engine this program runs with. */
#pragma once

/*
 * To be called in main() before the first use: SQLite need not count its memory, which costs
 * a lock for every piece, and takes small pieces from config/small.h.
 */
void engine_start(void);

/* Its run-time name and version, such as "SQLite 3.40.1". */
const char *engine_version(void);

/* The same as SQLite counts: 3040001 is 3.40.1. */
unsigned engine_number(void);
