/* SPDX-License-Identifier: MIT */
#include "store/engine.h"

#include <stdio.h>

#include <sqlite3.h>

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
