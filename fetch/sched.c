/* SPDX-License-Identifier: MIT */
#include "fetch/sched.h"

#include <string.h>

#include "config/clock.h"
#include "config/mem.h"
#include "fetch/runtime.h"

enum {
    /*
     * Rounds are repeated without a turn of the loop until so many coroutines
     * ran: two that hand work to and fro should not pay a system call each
     * time, and the loop waits for no more than it would in one round of this
     * many.
     */
    RESUMES_A_TURN = 64,
    RESUMES_A_LOOK = 8, /* at the clock */
};

struct sched {
    struct loop *loop;
    struct stack_pool *stacks;
    struct coro_fiber home;
    struct list_node ready, idle;
    size_t n_ready, n_live, n_groups;
    uint64_t next_serial;
    bool is_running, is_stopping, has_census;
    struct sched_census_row *census;
    size_t n_census;
    uint64_t switches;
    size_t peak_live;
};

/* The coroutine that runs now; NULL on the scheduler's own stack. */
static struct coro *current;

/* --- waits -------------------------------------------------------------------- */

static void make_ready(struct coro *c)
{
    c->state = CORO_READY;
    list_add_last(&c->sched->ready, &c->queue_node);
    c->sched->n_ready++;
}

/* The one place where a wait is decided; later attempts find it closed. */
static void end_wait(struct coro *c, enum err e, intptr_t value)
{
    c->wait = CORO_WAIT_ENDED;
    c->wait_err = e;
    c->wake_value = value;
    if (c->state != CORO_WAITING)
        return; /* woken between prepare and wait */
    loop_timer_clear(c->sched->loop, &c->timer);
    make_ready(c);
}

static void on_deadline(void *arg)
{
    end_wait(arg, ERR_TIMEOUT, 0);
}

static bool must_unwind(const struct coro *c)
{
    return c->is_cancelled && !c->is_shielded;
}

static void suspend(struct coro *c, deadline until)
{
    if (until != DEADLINE_NEVER)
        loop_timer_set(c->sched->loop, &c->timer, until);
    c->state = CORO_WAITING;
    coro_fiber_suspend(&c->fiber);
}

struct coro *coro_current(void)
{
    return current;
}

const char *coro_name(const struct coro *c)
{
    return c->name;
}

struct sched *coro_sched(const struct coro *c)
{
    return c->sched;
}

struct coro_waiter coro_waiter_prepare(void)
{
    struct coro *c = current;

    BUG_IF(!c);
    c->serial = ++c->sched->next_serial;
    c->wait = CORO_WAIT_OPEN;
    return (struct coro_waiter){ .coro = c, .serial = c->serial };
}

enum err coro_wait(struct coro_waiter w, deadline until, intptr_t *out_value)
{
    struct coro *c = current;

    BUG_IF(!c || w.coro != c || w.serial != c->serial || c->wait == CORO_WAIT_NONE);
    if (c->wait == CORO_WAIT_OPEN) {
        if (must_unwind(c))
            end_wait(c, ERR_CANCELLED, 0);
        else if (until <= loop_now(c->sched->loop))
            end_wait(c, ERR_TIMEOUT, 0);
        else
            suspend(c, until);
    }
    c->wait = CORO_WAIT_NONE;
    if (c->wait_err)
        return c->wait_err;
    if (out_value)
        *out_value = c->wake_value;
    return OK;
}

bool coro_wake(struct coro_waiter w, intptr_t value)
{
    if (!coro_waiter_is_open(w))
        return false;
    end_wait(w.coro, OK, value);
    return true;
}

enum err coro_sleep_until(deadline until)
{
    struct coro *c = current;
    enum err e;

    BUG_IF(!c);
    if (until <= loop_now(c->sched->loop))
        return coro_yield();
    e = coro_wait(coro_waiter_prepare(), until, NULL);
    return e == ERR_TIMEOUT ? OK : e;
}

enum err coro_yield(void)
{
    struct coro *c = current;

    BUG_IF(!c);
    if (must_unwind(c))
        return ERR_CANCELLED;
    make_ready(c);
    coro_fiber_suspend(&c->fiber);
    return must_unwind(c) ? ERR_CANCELLED : OK;
}

void coro_breathe(void)
{
    if (loop_is_late(current->sched->loop) && coro_yield())
        return; /* cancelled: its caller goes on without pauses */
}

void coro_cancel(struct coro *c)
{
    if (c->state == CORO_DONE)
        return;
    c->is_cancelled = true;
    if (c->state == CORO_WAITING && !c->is_shielded)
        end_wait(c, ERR_CANCELLED, 0);
}

bool coro_is_cancelled(const struct coro *c)
{
    return c->is_cancelled;
}

/* --- birth and death of coroutines ------------------------------------------------ */

static void run_coro(void *arg)
{
    struct coro *c = arg;

    c->value = c->fn(c->arg);
}

/* Objects outlive their coroutines (fetch/runtime.h, invariant 1). */
static struct coro *new_object(struct sched *s)
{
    struct list_node *n = list_take_first(&s->idle);
    struct coro *c;

    if (n)
        return CONTAINER_OF(n, struct coro, queue_node);
    c = mem_alloc(sizeof(*c));
    c->sched = s;
    list_init(&c->queue_node);
    loop_timer_init(&c->timer, on_deadline, c);
    return c;
}

enum err sched_add_coro(struct group *g, const char *name, coro_fn *fn, void *arg,
                        struct coro **out)
{
    struct sched *s = g->sched;
    struct stack *stack;
    enum err e = stack_take(s->stacks, &stack);
    struct coro *c;

    if (e)
        return e;
    c = new_object(s);
    c->group = g;
    c->name = name;
    c->fn = fn;
    c->arg = arg;
    c->is_cancelled = c->is_shielded = false;
    c->wait = CORO_WAIT_NONE;
    c->joiner = NULL;
    c->is_painted = s->has_census;
    if (c->is_painted)
        stack_paint(stack);
    coro_fiber_open(&c->fiber, &s->home, stack, run_coro, c);
    s->n_live++;
    s->peak_live = MAX(s->peak_live, s->n_live);
    make_ready(c);
    *out = c;
    return OK;
}

void sched_free_coro(struct coro *c)
{
    BUG_IF(c->state != CORO_DONE);
    list_add_first(&c->sched->idle, &c->queue_node);
}

static struct sched_census_row *census_row(struct sched *s, const char *name)
{
    struct sched_census_row *grown;

    for (size_t i = 0; i < s->n_census; i++)
        if (strcmp(s->census[i].name, name) == 0)
            return &s->census[i];
    grown = mem_array(s->n_census + 1, sizeof(*grown));
    if (s->n_census)
        memcpy(grown, s->census, s->n_census * sizeof(*grown));
    mem_free(s->census);
    s->census = grown;
    grown[s->n_census].name = name;
    return &grown[s->n_census++];
}

static void finish(struct coro *c)
{
    struct sched *s = c->sched;
    struct stack *stack = c->fiber.stack;

    c->state = CORO_DONE;
    c->wait = CORO_WAIT_NONE;
    if (c->is_painted) {
        struct sched_census_row *row = census_row(s, c->name);

        row->max_bytes = MAX(row->max_bytes, stack_depth(stack));
        row->n_done++;
    }
    coro_fiber_close(&c->fiber);
    stack_give(s->stacks, stack);
    s->n_live--;
    group_finish_member(c);
}

/* --- the scheduler ------------------------------------------------------------------ */

static void run_one(struct sched *s)
{
    struct list_node *n = list_take_first(&s->ready);
    struct coro *c;

    BUG_IF(!n);
    c = CONTAINER_OF(n, struct coro, queue_node);
    s->n_ready--;
    s->switches += 2; /* there and back */
    c->state = CORO_RUNNING;
    current = c;
    coro_fiber_resume(&c->fiber);
    current = NULL;
    if (c->fiber.is_done)
        finish(c);
}

/*
 * Each round runs what is ready at its start; what becomes ready waits for the
 * next. Once the turn has lasted long enough, the rest waits for the next turn.
 */
static void run_rounds(struct sched *s)
{
    size_t n_run = 0;

    while (s->n_ready && n_run < RESUMES_A_TURN) {
        size_t n = s->n_ready;

        n_run += n;
        while (n--) {
            run_one(s);
            if (s->is_stopping || (n % RESUMES_A_LOOK == 0 && loop_is_late(s->loop)))
                return;
        }
    }
}

enum err sched_open(struct loop *l, struct sched **out, struct err_note *note)
{
    struct sched *s = mem_alloc(sizeof(*s));

    (void)note; /* today nothing can fail here: stacks are mapped on demand */
    s->loop = l;
    s->stacks = stack_pool_new(STACK_GUARD_MARKED, STACK_MAX_PROTECTED);
    list_init(&s->ready);
    list_init(&s->idle);
    coro_fiber_init_home(&s->home);
    *out = s;
    return OK;
}

void sched_close(struct sched *s)
{
    struct list_node *n;

    if (!s)
        return;
    BUG_IF(s->n_live || s->n_groups || s->is_running);
    for (n = list_take_first(&s->idle); n; n = list_take_first(&s->idle))
        mem_free(CONTAINER_OF(n, struct coro, queue_node));
    stack_pool_free(s->stacks);
    mem_free(s->census);
    mem_free(s);
}

struct loop *sched_loop(const struct sched *s)
{
    return s->loop;
}

void sched_run(struct sched *s)
{
    BUG_IF(current || s->is_running);
    s->is_running = true;
    s->is_stopping = false;
    while (s->n_live && !s->is_stopping) {
        loop_turn(s->loop, s->n_ready ? 0 : DEADLINE_NEVER);
        if (s->n_ready && !s->is_stopping)
            run_rounds(s);
        loop_end_step(s->loop);
    }
    s->is_running = false;
}

void sched_stop(struct sched *s)
{
    s->is_stopping = true;
}

size_t sched_count(const struct sched *s)
{
    return s->n_live;
}

void sched_age(struct sched *s)
{
    stack_pool_age(s->stacks);
}

void sched_get_stats(const struct sched *s, struct sched_stats *out)
{
    struct stack_pool_stats stacks;

    stack_pool_get_stats(s->stacks, &stacks);
    *out = (struct sched_stats){
        .switches = s->switches,
        .live = s->n_live,
        .peak_live = s->peak_live,
        .stacks = stacks.mapped,
        .unguarded_stacks = stacks.unguarded,
    };
}

void sched_start_census(struct sched *s)
{
    s->has_census = true;
}

size_t sched_get_census(const struct sched *s, const struct sched_census_row **out)
{
    *out = s->census;
    return s->n_census;
}

void sched_count_group(struct sched *s, int change)
{
    s->n_groups += (size_t)change;
}
