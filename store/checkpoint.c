/* SPDX-License-Identifier: MIT */
#include "store/checkpoint.h"

#include <errno.h>

#include "config/mem.h"
#include "config/thread.h"

struct checkpoint {
    struct db *db; /* the thread's */
    pthread_t thread;
    pthread_mutex_t mutex; /* guards everything below */
    pthread_cond_t has_work, has_ended;
    bool is_running, must_stop;
    bool has_result;
    struct checkpoint_result result;
};

void checkpoint_now(struct db *d, struct checkpoint_result *out)
{
    int rc;

    *out = (struct checkpoint_result){ .frames = -1, .copied = -1 };
    sqlite3_busy_timeout(d->handle, 0);
    errno = 0;
    rc = sqlite3_wal_checkpoint_v2(d->handle, NULL, SQLITE_CHECKPOINT_PASSIVE,
                                   &out->frames, &out->copied);
    sqlite3_busy_timeout(d->handle, DB_BUSY_TIMEOUT_MS);
    if (rc && (rc & 0xff) != SQLITE_BUSY)
        out->e = db_explain(d->handle, rc, d->path, &out->note);
}

/* --- the thread ------------------------------------------------------------------- */

/*
 * Another connection to writer's file, which has read it once and so knows of its log. NULL
 * also when the file is no longer under its name: what is there now is not ours.
 */
static struct db *open_own(struct db *writer, bool is_durable)
{
    struct db *d = NULL;
    int has_moved = 1;

    if (sqlite3_file_control(writer->handle, NULL, SQLITE_FCNTL_HAS_MOVED,
                             &has_moved) ||
        has_moved || db_open(writer->path, &d, NULL))
        return NULL;
    db_exec(d, is_durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
    db_value(d, "PRAGMA schema_version", 0);
    if (!d->failed)
        return d;
    db_close(d);
    return NULL;
}

static bool wait_for_work(struct checkpoint *c)
{
    bool must_run;

    pthread_mutex_lock(&c->mutex);
    while (!c->is_running && !c->must_stop)
        pthread_cond_wait(&c->has_work, &c->mutex);
    must_run = c->is_running;
    pthread_mutex_unlock(&c->mutex);
    return must_run;
}

static void *run(void *arg)
{
    struct checkpoint *c = arg;

    while (wait_for_work(c)) {
        struct checkpoint_result r;

        checkpoint_now(c->db, &r);
        pthread_mutex_lock(&c->mutex);
        c->result = r;
        c->has_result = true;
        c->is_running = false;
        pthread_cond_signal(&c->has_ended);
        pthread_mutex_unlock(&c->mutex);
    }
    return NULL;
}

/* --- the interface ---------------------------------------------------------------- */

static void free_parts(struct checkpoint *c)
{
    pthread_cond_destroy(&c->has_work);
    pthread_cond_destroy(&c->has_ended);
    pthread_mutex_destroy(&c->mutex);
    db_close(c->db);
    mem_free(c);
}

struct checkpoint *checkpoint_new(struct db *writer, bool is_durable)
{
    struct db *d = open_own(writer, is_durable);
    struct checkpoint *c;

    if (!d)
        return NULL;
    c = mem_alloc(sizeof *c);
    c->db = d;
    pthread_mutex_init(&c->mutex, NULL);
    thread_cond_init(&c->has_work);
    thread_cond_init(&c->has_ended);
    if (thread_start(&c->thread, "checkpoint", run, c)) {
        free_parts(c);
        return NULL;
    }
    return c;
}

void checkpoint_free(struct checkpoint *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->mutex);
    c->must_stop = true;
    pthread_cond_signal(&c->has_work);
    pthread_mutex_unlock(&c->mutex);
    pthread_join(c->thread, NULL);
    free_parts(c);
}

void checkpoint_begin(struct checkpoint *c)
{
    pthread_mutex_lock(&c->mutex);
    c->is_running = true;
    pthread_cond_signal(&c->has_work);
    pthread_mutex_unlock(&c->mutex);
}

bool checkpoint_is_running(struct checkpoint *c)
{
    bool is_running;

    pthread_mutex_lock(&c->mutex);
    is_running = c->is_running;
    pthread_mutex_unlock(&c->mutex);
    return is_running;
}

void checkpoint_wait(struct checkpoint *c)
{
    pthread_mutex_lock(&c->mutex);
    while (c->is_running)
        pthread_cond_wait(&c->has_ended, &c->mutex);
    pthread_mutex_unlock(&c->mutex);
}

bool checkpoint_take(struct checkpoint *c, struct checkpoint_result *out)
{
    bool has;

    pthread_mutex_lock(&c->mutex);
    has = c->has_result;
    if (has)
        *out = c->result;
    c->has_result = false;
    pthread_mutex_unlock(&c->mutex);
    return has;
}
