/* SPDX-License-Identifier: MIT */
#include "tests/kit/strange.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "config/io.h"
#include "config/mem.h"

/* Of the processor. What is sound is read in a part of one. */
#define MAX_SECONDS 20

struct strange {
    struct storekit kit;
    struct buf sound; /* the file */
    struct strange_tables *tables;
};

struct strange *strange_new(void)
{
    struct strange *s = mem_alloc(sizeof *s);
    struct err_note note;
    sqlite3 *db;

    storekit_init(&s->kit);
    strange_make_sound(&s->kit);
    BUG_IF(sqlite3_open(s->kit.path, &db));
    BUG_IF(sqlite3_exec(db, "PRAGMA journal_mode = DELETE; VACUUM", NULL, NULL, NULL));
    sqlite3_close(db);
    s->tables = strange_tables_list(s->kit.path);
    buf_init(&s->sound, (size_t)64 * MIB);
    BUG_IF(io_read_file(s->kit.path, &s->sound, &note));
    return s;
}

void strange_free(struct strange *s)
{
    strange_tables_free(s->tables);
    buf_clear(&s->sound);
    storekit_clear(&s->kit);
    mem_free(s);
}

const char *strange_path(const struct strange *s)
{
    return s->kit.path;
}

static void on_too_long(int signo)
{
    (void)signo;
    abort();
}

static void allow(int seconds)
{
    struct itimerval most = { .it_value.tv_sec = seconds };

    BUG_IF(signal(SIGPROF, on_too_long) == SIG_ERR || setitimer(ITIMER_PROF, &most, NULL));
}

static void keep(const char *path, const char *as)
{
    struct err_note note;
    struct buf changed;

    buf_init(&changed, (size_t)64 * MIB);
    BUG_IF(io_read_file(path, &changed, &note) || io_replace_file(as, buf_span(&changed), &note));
    buf_clear(&changed);
}

void strange_run(struct strange *s, const uint8_t *data, size_t size)
{
    struct strange_source from = { size ? data + 1 : data, data + size };
    const char *kept = getenv("FUZZ_KEEP");
    struct err_note note;

    allow(MAX_SECONDS);
    BUG_IF(io_replace_file(s->kit.path, buf_span(&s->sound), &note));
    strange_change(s->tables, s->kit.path, &from);
    if (kept)
        keep(s->kit.path, kept);
    strange_read(&s->kit, size ? data[0] % (STRANGE_WAYS + 1) : 0);
    allow(0);
}
