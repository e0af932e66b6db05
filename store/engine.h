/* SPDX-License-Identifier: MIT */
/* Which database engine this program runs with. */
#pragma once

/* Its run-time name and version, such as "SQLite 3.40.1". */
const char *engine_version(void);

/* The same as SQLite counts: 3040001 is 3.40.1. */
unsigned engine_number(void);
