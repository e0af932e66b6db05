/* SPDX-License-Identifier: MIT */
/*
 * The frontier against a model of the store: rows in an array, operations that
 * are executed in order and whose answers arrive in order, some time later.
 * Random crawls must visit every row that is queued exactly as often as it was
 * queued, never two at once, and end idle with nothing left.
 */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/clock.h"
#include "config/mem.h"
#include "crawler/frontier.h"
#include "crawler/window.h"

#define N_HOSTS    7
#define MAX_ROWS   1500
#define MAX_OPS    4000
#define MAX_BATCH  24
#define START_WALL INT64_C(1700000000000)

struct row {
    int host; /* index */
    int priority, depth;
    int64_t next_fetch_ms;

    enum {
        ROW_NONE,
        ROW_QUEUED,
        ROW_DONE,
        ROW_EXCLUDED
    } state;

    bool is_busy;
    int n_retries, n_visits;
};

enum op_kind {
    OP_ADD,
    OP_MOVE,
    OP_COMMIT,
    OP_REFILL,
    OP_PARK,
    OP_REQUEUE
};

struct op {
    enum op_kind kind;
    struct host *host;
    struct ticket *ticket; /* COMMIT */
    int64_t retry_wall;    /* COMMIT: -1 done */
    int new_depth, new_priority;
    bool has_cursor;
    int after_priority, after_depth;
    int64_t after_id, id; /* ADD: first id; MOVE: the row */
    size_t n;             /* ADD: how many */
    size_t limit;         /* REFILL */
    /* the answer */
    struct store_item items[MAX_BATCH];
    size_t n_items;
    bool has_more;
};

struct model {
    struct settings settings;
    struct loop *loop;
    struct frontier *f;
    enum store_order order;
    size_t max_tickets, refill_limit;
    struct host *hosts[N_HOSTS];
    struct row rows[MAX_ROWS]; /* id - 1 */
    int64_t n_rows;
    struct op *ops; /* a queue: delivered < executed < submitted */
    size_t n_delivered, n_executed, n_submitted;
    struct ticket *running[64];
    size_t n_running;
    uint32_t random;
    int n_parkings;
};

static uint32_t next_random(struct model *m, uint32_t below)
{
    m->random = m->random * 1664525 + 1013904223;
    return (m->random >> 8) % below;
}

static struct row *row_of(struct model *m, int64_t id)
{
    return &m->rows[id - 1];
}

static struct op *submit(struct model *m, enum op_kind kind, struct host *h)
{
    struct op *op = &m->ops[m->n_submitted++];

    BUG_IF(m->n_submitted > MAX_OPS);
    *op = (struct op){ .kind = kind, .host = h };
    return op;
}

static void on_refill(void *arg, struct host *h, size_t room)
{
    struct op *op = submit(arg, OP_REFILL, h);
    struct model *m = arg;

    BUG_IF(room == 0);
    op->limit = MIN(room, m->refill_limit);
    op->has_cursor = h->has_cursor;
    op->after_priority = h->cursor_priority;
    op->after_depth = h->cursor_depth;
    op->after_id = h->cursor_id;
}

/* --- the store ----------------------------------------------------------------------------- */

static struct store_item item_of(struct model *m, int64_t id)
{
    const struct row *row = row_of(m, id);

    return (struct store_item){ .id = id,
                                .url = SPAN("https://h.org/"),
                                .priority = row->priority,
                                .depth = row->depth,
                                .retries = row->n_retries,
                                .next_fetch_ms = row->next_fetch_ms };
}

static int compare_rows(struct model *m, int64_t a, int64_t b)
{
    const struct row *x = row_of(m, a), *y = row_of(m, b);

    return window_compare(m->order, x->priority, x->depth, a, y->priority, y->depth, b);
}

static void read_refill(struct model *m, struct op *op)
{
    for (int64_t id = 1; id <= m->n_rows; id++) {
        const struct row *row = row_of(m, id);
        size_t i;

        if (row->state != ROW_QUEUED || m->hosts[row->host] != op->host)
            continue;
        if (op->has_cursor &&
            window_compare(m->order, row->priority, row->depth, id, op->after_priority,
                           op->after_depth, op->after_id) <= 0)
            continue;
        for (i = op->n_items; i > 0 && compare_rows(m, op->items[i - 1].id, id) > 0;
             i--)
            if (i < op->limit)
                op->items[i] = op->items[i - 1];
        op->has_more |= op->n_items == op->limit;
        if (i < op->limit)
            op->items[i] = item_of(m, id);
        op->n_items = MIN(op->n_items + 1, op->limit);
    }
}

static void commit(struct model *m, struct op *op)
{
    struct row *row = row_of(m, op->ticket->id);

    assert_int_equal(row->is_busy, true);
    row->n_visits++;
    if (op->retry_wall < 0) {
        row->state = ROW_DONE;
        return;
    }
    row->state = ROW_QUEUED;
    row->n_retries++;
    row->next_fetch_ms = op->retry_wall;
}

static void exec_next(struct model *m)
{
    struct op *op = &m->ops[m->n_executed++];

    switch (op->kind) {
    case OP_ADD:
        for (size_t i = 0; i < op->n; i++) {
            row_of(m, op->id + (int64_t)i)->state = ROW_QUEUED;
            op->items[op->n_items++] = item_of(m, op->id + (int64_t)i);
        }
        break;
    case OP_MOVE: {
        struct row *row = row_of(m, op->id);

        if (row->state != ROW_QUEUED)
            break;
        row->depth = MIN(row->depth, op->new_depth);
        row->priority = op->new_priority;
        op->items[op->n_items++] = item_of(m, op->id);
        break;
    }
    case OP_COMMIT: commit(m, op); break;
    case OP_REFILL: read_refill(m, op); break;
    case OP_PARK:
        for (int64_t id = 1; id <= m->n_rows; id++)
            if (row_of(m, id)->state == ROW_QUEUED &&
                m->hosts[row_of(m, id)->host] == op->host && !row_of(m, id)->is_busy)
                row_of(m, id)->state = ROW_EXCLUDED;
        break;
    case OP_REQUEUE: /* some that were done are queued behind the frontier's back */
        for (int64_t id = 1; id <= m->n_rows; id++) {
            struct row *row = row_of(m, id);

            if (row->state == ROW_DONE && !row->is_busy &&
                m->hosts[row->host] == op->host && id % 3 == 0) {
                row->state = ROW_QUEUED;
                row->next_fetch_ms = 0;
            }
        }
        break;
    }
}

static struct host *host_of_id(struct model *m, int64_t id)
{
    return m->hosts[row_of(m, id)->host];
}

/* What the program does after each answer: rows queued for a parked host are parked as well. */
static void park_again(struct model *m, struct host *h)
{
    if (h->state != HOST_PARKED || !h->must_park_again)
        return;
    h->must_park_again = false;
    submit(m, OP_PARK, h);
}

static void deliver_commit(struct model *m, struct op *op)
{
    struct ticket *t = op->ticket;

    row_of(m, t->id)->is_busy = false;
    if (op->retry_wall < 0)
        frontier_finish(m->f, t);
    else
        frontier_retry(m->f, t,
                       clock_after(loop_now(m->loop),
                                   (op->retry_wall - clock_wall_ms()) * NS_PER_MS));
    park_again(m, op->host);
}

static void deliver_next(struct model *m)
{
    struct op *op = &m->ops[m->n_delivered++];

    switch (op->kind) {
    case OP_ADD:
    case OP_MOVE:
        for (size_t i = 0; i < op->n_items; i++) {
            struct host *h = host_of_id(m, op->items[i].id);

            frontier_add(m->f, h, &op->items[i]);
            park_again(m, h);
        }
        break;
    case OP_COMMIT: deliver_commit(m, op); break;
    case OP_REFILL:
        frontier_refilled(m->f, op->host, op->items, op->n_items, op->has_more);
        break;
    case OP_REQUEUE:
        frontier_reread(m->f, op->host);
        park_again(m, op->host);
        break;
    case OP_PARK: break;
    }
}

/* --- the crawl -------------------------------------------------------------------------------- */

static void add_rows(struct model *m)
{
    size_t n = 1 + next_random(m, MAX_BATCH);
    struct op *op;

    if (m->n_rows + (int64_t)n > MAX_ROWS)
        return;
    op = submit(m, OP_ADD, NULL);
    op->id = m->n_rows + 1;
    op->n = n;
    for (size_t i = 0; i < n; i++) {
        uint32_t of_host = next_random(m, N_HOSTS * 2);

        m->rows[m->n_rows++] = (struct row){
            .host = of_host < N_HOSTS ? (int)of_host : 0,
            .depth = (int)next_random(m, 6),
            .priority = next_random(m, 8) ? 0 : (int)next_random(m, 3) - 1,
            .next_fetch_ms =
                next_random(m, 10) ? 0 : clock_wall_ms() + next_random(m, 3000)
        };
    }
}

static void move_row(struct model *m)
{
    struct op *op;

    if (!m->n_rows)
        return;
    op = submit(m, OP_MOVE, NULL);
    op->id = 1 + next_random(m, (uint32_t)m->n_rows);
    op->new_depth = (int)next_random(m, 6);
    op->new_priority =
        next_random(m, 4) ? row_of(m, op->id)->priority : (int)next_random(m, 3) - 1;
}

static void end_visit(struct model *m, bool may_retry)
{
    size_t i = next_random(m, (uint32_t)m->n_running);
    struct ticket *t = m->running[i];
    struct op *op = submit(m, OP_COMMIT, t->host);

    m->running[i] = m->running[--m->n_running];
    politeness_leave(frontier_politeness(m->f), t->host->site, loop_now(m->loop),
                     next_random(m, 10) > 0);
    op->ticket = t;
    op->retry_wall = -1;
    if (may_retry && t->retries < 3 && !next_random(m, 4))
        op->retry_wall = clock_wall_ms() + next_random(m, 5000);
}

static void check_visit(struct model *m, const struct ticket *t)
{
    struct row *row = row_of(m, t->id);
    const struct site *site = t->host->site;

    assert_false(row->is_busy);
    assert_true(row->state == ROW_QUEUED ||
                row->state == ROW_EXCLUDED); /* excluded: parking is on its way */
    assert_ptr_equal(t->host, m->hosts[row->host]);
    assert_true(t->host->state == HOST_READY);
    assert_true(row->next_fetch_ms <= clock_wall_ms());
    assert_true(site->in_flight <= site->per_host);
    row->is_busy = true;
}

/* False when nothing can be taken; *wait says until when. */
static bool take_one(struct model *m, deadline *wait)
{
    struct ticket *t;
    struct host *h;

    *wait = 0;
    if (m->n_running == ARRAY_LEN(m->running))
        return false;
    switch (frontier_take(m->f, &h, &t, wait)) {
    case NEXT_NOTHING: return false;
    case NEXT_PREPARE:
        h->robots_expire_at = loop_now(m->loop) + 20 * NS_PER_S;
        frontier_prepared(m->f, h);
        return true;
    case NEXT_VISIT:
        check_visit(m, t);
        m->running[m->n_running++] = t;
        return true;
    }
    return false;
}

static void park_host(struct model *m)
{
    struct host *h = m->hosts[1 + next_random(m, N_HOSTS - 1)];

    if (h->state == HOST_PARKED || h->state == HOST_PREPARING || m->n_parkings >= 2)
        return;
    m->n_parkings++;
    frontier_park(m->f, h, REASON_DEFERRED, SPAN("model"), 0);
    submit(m, OP_PARK, h);
}

static void assert_windows_sane(struct model *m)
{
    struct frontier_stats s;
    size_t in_windows = 0, delayed = 0;
    size_t limit = MAX((size_t)8, m->max_tickets / N_HOSTS);

    for (size_t k = 0; k < N_HOSTS; k++) {
        const struct host *h = m->hosts[k];

        assert_true(h->len <= limit + 8);
        for (size_t i = 1; i < h->len; i++) {
            const struct ticket *a = h->window[(h->head + i - 1) & (h->cap - 1)];
            const struct ticket *b = h->window[(h->head + i) & (h->cap - 1)];

            assert_true(window_compare(m->order, a->priority, a->depth, a->id,
                                       b->priority, b->depth, b->id) < 0);
        }
        in_windows += h->len;
        delayed += h->n_delayed;
    }
    frontier_get_stats(m->f, &s);
    assert_int_equal(s.delayed, delayed);
    assert_int_equal(s.tickets, in_windows + delayed + s.busy);
}

static void advance(struct model *m, int64_t ns)
{
    clock_fake_advance(ns);
    loop_turn(m->loop, 0);
}

static void step(struct model *m)
{
    deadline wait;

    switch (next_random(m, 16)) {
    case 0: add_rows(m); break;
    case 1: move_row(m); break;
    case 2:
    case 3:
    case 4:
    case 5: take_one(m, &wait); break;
    case 6:
    case 7:
    case 8:
        if (m->n_running)
            end_visit(m, true);
        break;
    case 9:
    case 10:
        if (m->n_executed < m->n_submitted)
            exec_next(m);
        break;
    case 11:
    case 12:
    case 13:
        if (m->n_delivered < m->n_executed)
            deliver_next(m);
        break;
    case 14: advance(m, next_random(m, 500) * NS_PER_MS); break;
    case 15:
        if (!next_random(m, 40))
            park_host(m);
        else if (!next_random(m, 40))
            submit(m, OP_REQUEUE, m->hosts[next_random(m, N_HOSTS)]);
        break;
    }
}

/* Everything goes to its end, without new rows. */
static void finish(struct model *m)
{
    while (!frontier_is_idle(m->f) || m->n_running || m->n_delivered < m->n_submitted) {
        deadline wait = DEADLINE_NEVER;

        if (m->n_executed < m->n_submitted) {
            exec_next(m);
        } else if (m->n_delivered < m->n_executed) {
            deliver_next(m);
        } else if (!take_one(m, &wait)) {
            if (m->n_running)
                end_visit(m, false);
            else if (wait == DEADLINE_NEVER)
                fail_msg("the frontier is stuck");
            else
                advance(m, wait - loop_now(m->loop));
        }
    }
}

static void open_model(struct model *m, uint32_t seed)
{
    struct frontier_options options;

    m->random = seed;
    m->ops = mem_array(MAX_OPS, sizeof *m->ops);
    clock_fake_start(1000 * NS_PER_S, START_WALL);
    options_set_defaults(&settings_table, &m->settings);
    m->settings.delay_ms = next_random(m, 2) ? 0 : 100;
    m->settings.per_host = 1 + next_random(m, 4);
    m->order = (enum store_order)(seed % 3);
    m->max_tickets = next_random(m, 2) ? 10 : 200;
    m->refill_limit = 1 + next_random(m, MAX_BATCH);
    assert_int_equal(loop_open(&m->loop, NULL), OK);
    loop_turn(m->loop, 0);
    options = (struct frontier_options){ m->order, m->max_tickets, -1 };
    m->f = frontier_new(m->loop, &m->settings, &options, on_refill, m);
    for (int k = 0; k < N_HOSTS; k++) {
        /* The last two share a site. */
        char name[16];
        int n = snprintf(name, sizeof name, "h%d.org", MIN(k, N_HOSTS - 2));
        struct store_origin origin = { k + 1, k < N_HOSTS - 1,
                                       span_make(name, (size_t)n),
                                       k < N_HOSTS - 1 ? 443 : 80 };

        m->hosts[k] = frontier_host(m->f, &origin, k % 2);
    }
}

static void close_model(struct model *m)
{
    frontier_free(m->f);
    loop_close(m->loop);
    settings_clear(&m->settings);
    mem_free(m->ops);
    clock_fake_stop();
}

static void crawl(uint32_t seed)
{
    static struct model m;

    memset(&m, 0, sizeof m);
    open_model(&m, seed);
    for (int i = 0; i < 9000 && m.n_submitted < MAX_OPS - 2000; i++) {
        step(&m);
        if (i % 16 == 0)
            assert_windows_sane(&m);
    }
    finish(&m);
    for (int64_t id = 1; id <= m.n_rows; id++) {
        const struct row *row = row_of(&m, id);

        if (row->state == ROW_QUEUED)
            fail_msg("crawl %u: row %d of host %d (state %d) was lost", seed, (int)id,
                     row->host, (int)m.hosts[row->host]->state);
        assert_true(row->state == ROW_EXCLUDED
                        ? m.hosts[row->host]->state == HOST_PARKED
                        : row->n_visits > 0);
    }
    close_model(&m);
}

static void random_crawls(uint32_t first)
{
    for (uint32_t seed = first; seed < first + 150; seed += 3)
        crawl(seed);
}

static void breadth_first_crawls_lose_and_repeat_nothing(void **state)
{
    (void)state;
    random_crawls(0);
}

static void depth_first_crawls_lose_and_repeat_nothing(void **state)
{
    (void)state;
    random_crawls(1);
}

static void crawls_by_priority_lose_and_repeat_nothing(void **state)
{
    (void)state;
    random_crawls(2);
}

/* --- the order of one host, however small the window ---------------------------------------------- */

static void one_host_is_visited_in_order(void **state)
{
    static struct model m;

    (void)state;
    for (uint32_t seed = 0; seed < 12; seed++) {
        int64_t last = 0;
        deadline wait;

        memset(&m, 0, sizeof m);
        open_model(&m, seed);
        for (int i = 0; i < 60; i++)
            add_rows(&m);
        for (int64_t id = 1; id <= m.n_rows; id++) {
            row_of(&m, id)->host = 0;
            row_of(&m, id)->next_fetch_ms = 0;
        }
        while (m.n_delivered < m.n_submitted) {
            if (m.n_executed < m.n_submitted)
                exec_next(&m);
            else
                deliver_next(&m);
        }
        for (int64_t n = 0; n < m.n_rows;) {
            if (take_one(&m, &wait) && m.n_running) {
                int64_t id = m.running[0]->id;

                if (last)
                    assert_true(compare_rows(&m, last, id) < 0);
                last = id;
                n++;
                end_visit(&m, false);
            }
            while (m.n_executed < m.n_submitted)
                exec_next(&m);
            while (m.n_delivered < m.n_executed)
                deliver_next(&m);
            advance(&m, 200 * NS_PER_MS);
        }
        finish(&m);
        close_model(&m);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(breadth_first_crawls_lose_and_repeat_nothing),
        cmocka_unit_test(depth_first_crawls_lose_and_repeat_nothing),
        cmocka_unit_test(crawls_by_priority_lose_and_repeat_nothing),
        cmocka_unit_test(one_host_is_visited_in_order),
    };

    return cmocka_run_group_tests_name("crawler/frontier_model", tests, NULL, NULL);
}
