/* SPDX-License-Identifier: MIT */
#include "store/writer.h"

#include <errno.h>
#include <pthread.h>

#include "config/clock.h"
#include "config/mem.h"
#include "config/small.h"
#include "config/thread.h"
#include "store/apply.h"
#include "store/deferred.h"
#include "store/depth.h"
#include "store/keeper.h"
#include "store/links.h"
#include "store/tally.h"
#include "store/text.h"

/* Half of what may wait for its commit: the other half is fetched meanwhile. */
#define MAX_VISITS     128
#define MAX_AGE_NS     (200 * NS_PER_MS)
#define LINGER_NS      NS_PER_MS
#define BUSY_WITHIN_NS (20 * NS_PER_MS)
#define IDLE_NS        NS_PER_S
#define LINKS_A_STEP   20000

struct writer {
    struct core *core;
    struct apply *apply;
    struct keeper *keeper;
    void (*notify)(void *arg);
    void *arg;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards everything below */
    pthread_cond_t has_work;
    struct list_node inbox, done;
    size_t n_pending;
    bool must_stop;
    struct store_totals totals;
    enum err failed;
    struct err_note note;
};

/* The ops of the running transaction; the thread's own. */
struct batch {
    struct list_node ops;
    size_t n_visits;
    bool has_waiter;
    int64_t began_ns;
};

static struct store_op *op_of(struct list_node *n)
{
    return CONTAINER_OF(n, struct store_op, node);
}

/* --- waiting ---------------------------------------------------------------------- */

/*
 * The next op, waiting for one up to ns; NULL after that, or when the writer must stop.
 */
static struct store_op *take_op(struct writer *w, int64_t ns)
{
    struct timespec until = thread_moment_in(ns);
    struct list_node *n;
    int rc = 0;

    pthread_mutex_lock(&w->mutex);
    while (ns && !rc && list_is_empty(&w->inbox) && !w->must_stop)
        rc = pthread_cond_timedwait(&w->has_work, &w->mutex, &until);
    n = list_take_first(&w->inbox);
    pthread_mutex_unlock(&w->mutex);
    return n ? op_of(n) : NULL;
}

static bool is_over(struct writer *w)
{
    bool over;

    pthread_mutex_lock(&w->mutex);
    over = w->must_stop && list_is_empty(&w->inbox);
    pthread_mutex_unlock(&w->mutex);
    return over;
}

/* --- a batch ---------------------------------------------------------------------- */

static bool is_waited_for(enum store_op_kind kind)
{
    return kind != STORE_VISIT && kind != STORE_EVENT && kind != STORE_HOST_SAVE;
}

static void add_op(struct writer *w, struct batch *b, struct store_op *op)
{
    if (list_is_empty(&b->ops))
        b->began_ns = clock_now_ns();
    list_add_last(&b->ops, &op->node);
    b->n_visits += op->kind == STORE_VISIT;
    b->has_waiter = b->has_waiter || is_waited_for(op->kind);
    if (op->kind == STORE_GRAPH)
        keeper_ahead(w->keeper);
    mem_ahead(1 * MIB);
    op->result = keeper_admit(w->keeper, op->kind);
    if (!op->result)
        op->result = apply_op(w->apply, op);
}

/*
 * Collects ops until the transaction should end. False when none came within idle_ns.
 */
static bool fill(struct writer *w, struct batch *b, int64_t idle_ns,
                 int64_t last_commit_ns)
{
    struct store_op *op = take_op(w, idle_ns);

    if (!op)
        return false;
    add_op(w, b, op);
    while (b->n_visits < MAX_VISITS) {
        int64_t now = clock_now_ns();
        bool is_busy = b->began_ns - last_commit_ns < BUSY_WITHIN_NS;

        if (now - b->began_ns >= MAX_AGE_NS)
            break;
        op = take_op(w, is_busy && !b->has_waiter ? LINGER_NS : 0);
        if (!op)
            break;
        add_op(w, b, op);
    }
    return true;
}

/* What was only noted so far is written, and the transaction ends. The totals are those of the file. */
static enum err seal(struct writer *w)
{
    struct core *c = w->core;
    enum err e;

    depth_save(c);
    tally_flush(c);
    text_flush(c);
    links_before_commit(c);
    deferred_write(c->url_index);
    deferred_write(c->body_index);
    e = db_commit(c->db);
    if (e)
        return e;
    pthread_mutex_lock(&w->mutex);
    tally_totals(c, w->totals.by_state);
    pthread_mutex_unlock(&w->mutex);
    return OK;
}

/*
 * Offers the links of pages whose depth fell again, and commits. What comes of
 * it goes into the last op of the batch, which is not handed back before.
 */
static enum err finish(struct writer *w, struct batch *b)
{
    struct core *c = w->core;
    enum err e = c->db->failed;

    while (!e && depth_has_work(c)) {
        e = apply_depth(w->apply, LINKS_A_STEP);
        if (!e && depth_has_work(c)) {
            e = seal(w);
            if (!e)
                e = db_begin(c->db);
        }
    }
    if (!e) /* its error sticks to the connection: sealing returns it */
        (void)apply_give_extra(w->apply, op_of(b->ops.prev));
    return seal(w);
}

/* Hands the ops back: those of a failed transaction all with its error. */
static void hand_back(struct writer *w, struct batch *b, enum err e)
{
    int64_t db_bytes = keeper_size(w->keeper); /* 0 once the store has failed */
    struct list_node *n;

    pthread_mutex_lock(&w->mutex);
    while ((n = list_take_first(&b->ops)) != NULL) {
        if (e)
            op_of(n)->result = e;
        list_add_last(&w->done, n);
    }
    if (!w->failed)
        w->failed = keeper_failure(w->keeper, &w->note);
    if (db_bytes)
        w->totals.db_bytes = db_bytes;
    pthread_mutex_unlock(&w->mutex);
    w->notify(w->arg);
}

static void *run(void *arg)
{
    struct writer *w = arg;
    int64_t last_commit_ns = 0;

    small_start();
    while (!is_over(w)) {
        struct batch b = { .n_visits = 0 };

        list_init(&b.ops);
        if (fill(w, &b, IDLE_NS, last_commit_ns)) {
            hand_back(w, &b, finish(w, &b));
            last_commit_ns = clock_now_ns();
            keeper_after_commit(w->keeper);
        } else {
            keeper_when_idle(w->keeper);
        }
    }
    return NULL;
}

/* --- the interface ---------------------------------------------------------------- */

static void free_writer(struct writer *w)
{
    pthread_cond_destroy(&w->has_work);
    pthread_mutex_destroy(&w->mutex);
    keeper_free(w->keeper);
    apply_free(w->apply);
    mem_free(w);
}

enum err writer_start(struct core *c, void (*notify)(void *arg), void *arg,
                      struct writer **out, struct err_note *note)
{
    struct writer *w = mem_alloc(sizeof *w);
    int rc;

    w->core = c;
    w->apply = apply_new(c);
    w->keeper = keeper_new(c);
    w->notify = notify;
    w->arg = arg;
    list_init(&w->inbox);
    list_init(&w->done);
    pthread_mutex_init(&w->mutex, NULL);
    thread_cond_init(&w->has_work);
    tally_totals(c, w->totals.by_state);
    w->totals.db_bytes = keeper_size(w->keeper);
    rc = thread_start(&w->thread, "store", run, w);
    if (rc) {
        free_writer(w);
        return err_set_errno(note, ERR_NO_MEMORY, rc, "cannot start the writer thread");
    }
    *out = w;
    return OK;
}

void writer_stop(struct writer *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->mutex);
    w->must_stop = true;
    pthread_cond_signal(&w->has_work);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
    free_writer(w);
}

void writer_submit(struct writer *w, struct store_op *op)
{
    pthread_mutex_lock(&w->mutex);
    list_add_last(&w->inbox, &op->node);
    w->n_pending++;
    pthread_cond_signal(&w->has_work);
    pthread_mutex_unlock(&w->mutex);
}

size_t writer_pending(struct writer *w)
{
    size_t n;

    pthread_mutex_lock(&w->mutex);
    n = w->n_pending;
    pthread_mutex_unlock(&w->mutex);
    return n;
}

size_t writer_take_done(struct writer *w, size_t max, struct list_node *done)
{
    struct list_node *node;
    size_t n = 0;

    pthread_mutex_lock(&w->mutex);
    while (n < max && (node = list_take_first(&w->done)) != NULL) {
        list_add_last(done, node);
        n++;
    }
    w->n_pending -= n;
    pthread_mutex_unlock(&w->mutex);
    return n;
}

void writer_get_totals(struct writer *w, struct store_totals *out)
{
    pthread_mutex_lock(&w->mutex);
    *out = w->totals;
    pthread_mutex_unlock(&w->mutex);
}

enum err writer_failure(struct writer *w, struct err_note *note)
{
    enum err e;

    pthread_mutex_lock(&w->mutex);
    e = err_set(w->failed ? note : NULL, w->failed, "%s", w->note.text);
    pthread_mutex_unlock(&w->mutex);
    return e;
}
