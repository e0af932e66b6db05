/* SPDX-License-Identifier: MIT */
#include "store/engine.h"

#include <stdio.h>

#include <sqlite3.h>

#include "config/small.h"

static void *allocate(int n)
{
    return small_try((size_t)n);
}

static void *resize(void *old, int n)
{
    return small_try_resize(old, (size_t)n);
}

static int size_of(void *p)
{
    return (int)small_size(p);
}

static int room_for(int n)
{
    return (int)small_room((size_t)n);
}

static int set_up(void *arg)
{
    (void)arg;
    return SQLITE_OK;
}

static void tear_down(void *arg)
{
    (void)arg;
}

void engine_start(void)
{
    static const sqlite3_mem_methods memory = { allocate, small_free, resize,    size_of,
                                                room_for, set_up,     tear_down, NULL };

    small_start();
    /* Refused only after the first use; then it is slower, no more. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    (void)sqlite3_config(SQLITE_CONFIG_MALLOC, &memory);
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
