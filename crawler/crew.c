/* SPDX-License-Identifier: MIT */
#include "crawler/crew.h"

#include <poll.h>

#include "config/clock.h"
#include "config/log.h"
#include "config/mem.h"

/* Starts that may fail in a row before what waits is told so. */
#define MAX_FAILED_STARTS 5
#define FIRST_BACKOFF_NS  (50 * NS_PER_MS)
#define MAX_BACKOFF_NS    (5 * NS_PER_S)
#define OPEN_PATIENCE_MS  60000 /* a parser that dies is seen at once; this is for a machine at its limit */
/* Asked to end, killed, given up on. */
#define ASK_PATIENCE_MS  1000
#define KILL_PATIENCE_MS 5000

struct crew_member {
    struct parser parser;
    struct crew *crew;
    struct loop_timer restart;
};

static void on_restart(void *arg);

void crew_init(struct crew *c, struct loop *l, size_t n, const struct worker_options *o,
               const struct parser_events *events, void *owner)
{
    struct worker_options mine = *o;

    *c = (struct crew){ .loop = l, .n_members = n };
    c->members = mem_array(n, sizeof *c->members);
    /* Serials of different crews must not meet: late news of the last one may be on its way. */
    c->next_serial = (uint64_t)clock_now_ns();
    for (size_t i = 0; i < n; i++) {
        mine.index = (uint32_t)i;
        c->members[i].crew = c;
        parser_init(&c->members[i].parser, l, events, &mine, owner);
        loop_timer_init(&c->members[i].restart, on_restart, &c->members[i]);
    }
}

struct parser *crew_parser(const struct crew *c, size_t i)
{
    return &c->members[i].parser;
}

/* ---- starting and replacing ---- */

static void on_zygote(void *arg, uint32_t events);

static enum err watch_zygote(struct crew *c, struct err_note *note)
{
    enum err e = zygote_start(note);

    if (e)
        return e;
    e = loop_watch(c->loop, zygote_fd(), EPOLLIN, on_zygote, c, &c->zygote_watch);
    return e ? err_set(note, e, "cannot watch the zygote") : OK;
}

static enum err start_member(struct crew_member *m, struct err_note *note)
{
    struct crew *c = m->crew;
    enum err e = OK;

    if (zygote_fd() < 0)
        e = watch_zygote(c, note);
    return e ? e : parser_start(&m->parser, ++c->next_serial, note);
}

/* At once, unless parsers die faster than they start: then later each time. */
static void schedule_restart(struct crew_member *m)
{
    struct crew *c = m->crew;
    int64_t wait_ns = 0;

    if (c->is_ending)
        return;
    if (c->failed_starts)
        wait_ns =
            MIN(FIRST_BACKOFF_NS << MIN(c->failed_starts - 1, 10u), MAX_BACKOFF_NS);
    loop_timer_set(c->loop, &m->restart, clock_after(loop_now(c->loop), wait_ns));
}

static void on_restart(void *arg)
{
    struct crew_member *m = arg;
    struct err_note note = { 0 };

    if (m->crew->is_ending || !start_member(m, &note))
        return;
    log_error("pool", "worker-start", "%s", note.text);
    m->crew->failed_starts++;
    schedule_restart(m);
}

void crew_note_ready(struct crew *c)
{
    c->failed_starts = 0;
}

void crew_note_gone(struct crew *c, struct parser *p, enum parser_cause cause)
{
    /* One that died before it was given anything is a failed start, too. */
    if (cause == PARSER_NO_START || (cause == PARSER_DIED && p->n_handed == 0))
        c->failed_starts++;
    schedule_restart(CONTAINER_OF(p, struct crew_member, parser));
}

bool crew_cannot_start(const struct crew *c)
{
    return c->failed_starts >= MAX_FAILED_STARTS;
}

/* ---- the zygote's news ---- */

static struct parser *find_by_serial(const struct crew *c, uint64_t serial)
{
    for (size_t i = 0; i < c->n_members; i++) {
        struct parser *p = &c->members[i].parser;

        if (p->serial == serial && p->state != PARSER_NONE)
            return p;
    }
    return NULL;
}

static void on_zygote_lost(struct crew *c)
{
    loop_unwatch(c->loop, c->zygote_watch);
    c->zygote_watch = 0;
    log_warn("pool", "zygote-died",
             "the process that parsers come from died; starting it again");
    /* All at once first, so that no job goes from one dead parser to the next. */
    for (size_t i = 0; i < c->n_members; i++)
        parser_kill(&c->members[i].parser, PARSER_DIED);
    for (size_t i = 0; i < c->n_members; i++)
        parser_on_zygote_lost(&c->members[i].parser);
}

static void on_zygote(void *arg, uint32_t events)
{
    struct crew *c = arg;
    struct zygote_news news;
    enum err e;

    (void)events;
    while ((e = zygote_take_news(&news)) == OK) {
        struct parser *p = find_by_serial(c, news.serial);

        if (p)
            parser_on_news(p, &news);
        else
            zygote_drop_news(&news); /* of a crew that is gone */
    }
    if (e == ERR_CLOSED)
        on_zygote_lost(c);
}

/* ---- opening ---- */

/* Looks at everything that parsers and zygote may have said, without the loop. */
static void poll_once(struct crew *c, int wait_ms)
{
    struct pollfd zygote = { .fd = zygote_fd(), .events = POLLIN };

    (void)poll(&zygote, 1, wait_ms);
    on_zygote(c, 0);
    for (size_t i = 0; i < c->n_members; i++) {
        parser_look(&c->members[i].parser);
        parser_check_start(&c->members[i].parser);
    }
}

static const struct parser *find_state(const struct crew *c, enum parser_state state)
{
    for (size_t i = 0; i < c->n_members; i++)
        if (c->members[i].parser.state == state)
            return &c->members[i].parser;
    return NULL;
}

/* Nothing else runs yet, so blocking is fine; and a run without a sandbox must not begin. */
static enum err await_first(struct crew *c, struct err_note *note)
{
    int64_t give_up = clock_now_ns() + OPEN_PATIENCE_MS * NS_PER_MS;

    while (!find_state(c, PARSER_READY)) {
        const struct parser *gone = find_state(c, PARSER_NONE);
        char end[96];

        if (gone) {
            parser_describe_end(gone, end, sizeof end);
            return err_set(note, ERR_REFUSED, "a parser process cannot start: %s",
                           gone->hello[0] ? gone->hello : end);
        }
        if (clock_now_ns() > give_up)
            return err_set(note, ERR_TIMEOUT, "no parser process started within %d s",
                           OPEN_PATIENCE_MS / 1000);
        poll_once(c, 2);
    }
    return OK;
}

enum err crew_open(struct crew *c, struct err_note *note)
{
    enum err e = watch_zygote(c, note);

    for (size_t i = 0; !e && i < c->n_members; i++)
        e = start_member(&c->members[i], note);
    return e ? e : await_first(c, note);
}

/* ---- ending ---- */

void crew_kill(struct crew *c)
{
    c->is_ending = true;
    for (size_t i = 0; i < c->n_members; i++) {
        parser_kill(&c->members[i].parser, PARSER_TERMINATED);
        loop_timer_clear(c->loop, &c->members[i].restart);
    }
}

static bool is_anyone_left(const struct crew *c)
{
    for (size_t i = 0; i < c->n_members; i++)
        if (c->members[i].parser.state != PARSER_NONE)
            return true;
    return false;
}

void crew_end(struct crew *c)
{
    int64_t start = clock_now_ns();
    bool is_killing = false;

    c->is_ending = true;
    for (size_t i = 0; i < c->n_members; i++)
        parser_stop(&c->members[i].parser);
    while (is_anyone_left(c) && zygote_fd() >= 0) {
        int64_t waited_ms = (clock_now_ns() - start) / NS_PER_MS;

        if (waited_ms > ASK_PATIENCE_MS && !is_killing) {
            is_killing = true;
            crew_kill(c);
        }
        if (waited_ms > KILL_PATIENCE_MS)
            zygote_stop(); /* it does not answer: it goes, and they with it */
        else
            poll_once(c, 5);
    }
    for (size_t i = 0; i < c->n_members; i++)
        parser_on_zygote_lost(&c->members[i].parser);
}

void crew_clear(struct crew *c)
{
    for (size_t i = 0; i < c->n_members; i++)
        loop_timer_clear(c->loop, &c->members[i].restart);
    loop_unwatch(c->loop, c->zygote_watch);
    mem_free(c->members);
    *c = (struct crew){ 0 };
}
