/* SPDX-License-Identifier: MIT */
#include "store/engine.h"

#include <stdio.h>

#include <sqlite3.h>

void engine_start(void)
{
    /* Refused only after the first use; then it counts, no more. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

const char *engine_version(void)
{
    static _Thread_local char text[32];

    snprintf(text, sizeof text, "SQLite %s", sqlite3_libversion());
    return text;
}

unsigned engine_number(void)
{
    return (unsigned)sqlite3_libversion_number();
}
