/* SPDX-License-Identifier: MIT */
#include "crawler/crawl.h"

#include <stdarg.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/conditions.h"
#include "config/io.h"
#include "config/log.h"
#include "config/mem.h"
#include "crawler/archive.h"
#include "crawler/ask.h"
#include "crawler/credentials.h"
#include "crawler/diff.h"
#include "crawler/dispatch.h"
#include "crawler/outbox.h"
#include "crawler/parts.h"
#include "crawler/progress.h"
#include "crawler/renewal.h"
#include "store/reader_ending.h"

#define GRACE_NS            (5 * NS_PER_S)    /* transfers may still end */
#define HURRY_NS            (500 * NS_PER_MS) /* second signal */
#define SUMMARY_PATIENCE_MS 1000
#define TIDY_NS             (10 * NS_PER_S)

const char *crawl_stop_word(enum stop_reason r)
{
    static const char *const words[] = { "none",      "finished", "max-pages",
                                         "max-bytes", "max-time", "signal",
                                         "database",  "parser",   "warc" };

    return r < N_STOP_REASONS ? words[r] : "none";
}

int64_t crawl_wall_of(const struct crawl *c, deadline at)
{
    return clock_wall_ms() + (at - loop_now(c->loop)) / NS_PER_MS;
}

void crawl_poke(struct crawl *c)
{
    waitq_wake_all(frontier_changed(c->frontier));
}

void crawl_stop(struct crawl *c, enum stop_reason reason)
{
    if (!c->stop) {
        c->stop = reason;
        c->give_up_at =
            reason == STOP_STORE || reason == STOP_POOL || reason == STOP_WARC
                ? clock_now_ns()
                : clock_after(clock_now_ns(), GRACE_NS);
    }
    crawl_poke(c);
}

bool crawl_spawn(struct crawl *c, const char *name, coro_fn *fn, void *arg)
{
    if (group_spawn(c->group, name, fn, arg, NULL))
        return false;
    c->n_tasks++;
    return true;
}

void crawl_task_done(struct crawl *c)
{
    c->n_tasks--;
    crawl_poke(c);
}

void crawl_event(struct crawl *c, const char *level, const char *component,
                 const char *event, int64_t url_id, const char *fmt, ...)
{
    struct store_op *op = store_op_new(STORE_EVENT, (size_t)16 * KIB);
    char detail[1024];
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    n = MAX(0, MIN(n, (int)sizeof detail - 1));
    op->u.event.level = level;
    op->u.event.component = component;
    op->u.event.event = event;
    op->u.event.url_id = url_id;
    op->u.event.detail = arena_copy(&op->mem, span_make(detail, (size_t)n));
    op->on_done = store_op_free_done;
    outbox_submit(c, op);
    if (strcmp(level, "info") == 0)
        log_info(component, event, "%s", detail);
    else
        log_warn(component, event, "%s", detail);
}

/* --- signals --------------------------------------------------------------------------- */

static void on_stop_signal(struct crawl *c, int signo)
{
    atomic_store(&c->must_hurry, true);
    c->stop_signal = c->stop_signal ? c->stop_signal : signo;
    if (++c->n_signals == 1)
        crawl_stop(c, STOP_SIGNAL);
    else
        c->give_up_at = MIN(c->give_up_at, clock_after(clock_now_ns(), HURRY_NS));
    crawl_poke(c);
}

static void on_signal(void *arg, int signo)
{
    struct crawl *c = arg;
    struct err_note note;

    if (signo == SIGUSR1) {
        progress_log_status(c);
    } else if (signo == SIGHUP && log_has_file()) {
        if (log_reopen(&note))
            log_error("log", "reopen-failed", "%s", note.text);
    } else {
        on_stop_signal(c, signo == SIGHUP ? SIGTERM : signo);
    }
}

/* Was the program started so that it outlives its terminal (nohup)? Then its end is nothing to us. */
static bool is_deaf_to_hangups(void)
{
    struct sigaction now;

    return !sigaction(SIGHUP, NULL, &now) && now.sa_handler == SIG_IGN;
}

enum err crawl_watch_signals(struct crawl *c)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGUSR1 };
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        sigaddset(&set, signals[i]);
    if (log_has_file() || !is_deaf_to_hangups())
        sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    return loop_signals(c->loop, &set, on_signal, c);
}

bool crawl_looks_for_signal(struct crawl *c)
{
    static const struct timespec now = { 0, 0 };
    sigset_t set;
    int signo;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (!log_has_file())
        sigaddset(&set, SIGHUP);
    signo = sigtimedwait(&set, NULL, &now);
    if (signo > 0)
        on_signal(c, signo);
    return c->n_signals > 0;
}

/* --- the end ------------------------------------------------------------------------------ */

/*
 * What differs from the run before, where --fail-on asks for it. The run's own record
 * says "running" still; all that it found is committed.
 */
static bool has_bad_news(struct crawl *c, struct err_note *note)
{
    static const char WORDS[] = "new|gone|back|changed|broken";
    const struct text_list *list = &c->settings->fail_on;
    struct reader_diff runs;
    struct diff d = { 0 };
    struct reader *r = NULL;
    bool is_bad = false;
    enum err e;

    if (!conditions_name(list, WORDS))
        return false;
    e = reader_open_own(c->settings->db, &r, note);
    if (!e)
        e = reader_diff_choose(r, NULL, 0, &runs, note);
    if (!e)
        e = diff_read(r, &runs, NULL, NULL, &d, note);
    reader_close(r);
    if (!e)
        e = diff_finish(&d, c, c->settings, note);
    for (int i = 0; !e && i < N_DIFF_CHANGES; i++)
        is_bad |= i != DIFF_FAILED &&
                  conditions_hold(list, diff_word((enum diff_change)i), d.urls[i]);
    diff_clear(&d);
    if (e)
        fprintf(stderr, "crawl: --fail-on: %s\n", note->text[0] ? note->text : err_text(e));
    return is_bad || e;
}

static enum err read_ending(struct crawl *c, struct reader_ending *out)
{
    struct err_note note = { "" };
    struct reader *r = NULL;
    enum err e = reader_open_own(c->settings->db, &r, &note);

    if (!e)
        e = reader_ending(r, c->run.id, out, &note);
    reader_close(r);
    if (e)
        fprintf(stderr, "crawl: %s\n", note.text[0] ? note.text : err_text(e));
    return e;
}

/* Nothing answered in this start: is that so because no seed could be reached? */
static bool is_cut_off(const struct crawl *c, const struct store_totals *t,
                       const struct reader_ending *ending)
{
    bool has_content = t->by_state[STATE_FETCHED] || t->by_state[STATE_NOT_MODIFIED];
    bool did_ask = c->counts.requests || c->counts.robots_requests;

    return !ending->seeds_known && ((ending->seeds_missed && did_ask) || !has_content);
}

static int finished_code(struct crawl *c, const struct store_totals *t)
{
    const struct text_list *list = &c->settings->fail_on;
    const struct crawl_counts *n = &c->counts;
    bool is_silent = !n->answered && !n->hosts_reached;
    bool had_starts = c->run.is_continued && conditions_name(list, "http-errors");
    struct reader_ending ending = { 0 };
    struct err_note note = { "" };

    if ((is_silent || had_starts) && read_ending(c, &ending))
        return 3;
    if (is_silent && is_cut_off(c, t, &ending)) {
        memcpy(c->missed_seed, ending.first_missed, sizeof c->missed_seed);
        return 4;
    }
    if (conditions_hold(list, "bad-seed", n->bad_seeds) ||
        conditions_hold(list, "http-errors", MAX(n->http_errors, ending.http_errors)) ||
        conditions_hold(list, "failed", t->by_state[STATE_FAILED] + n->hosts_given_up) ||
        has_bad_news(c, &note))
        return 1;
    return 0;
}

/* Of a run that stopped at a limit: is there more to do? A sitemap that was not read may name more pages. */
static bool is_more_left(struct crawl *c, const struct store_totals *t)
{
    struct reader_ending ending;

    return t->by_state[STATE_QUEUED] || c->has_wider_scope || read_ending(c, &ending) || ending.unread_sitemaps;
}

static int exit_code(struct crawl *c, const struct store_totals *t)
{
    switch (c->stop) {
    case STOP_STORE:
    case STOP_POOL:
    case STOP_WARC:
    case STOP_NONE: return 3;
    case STOP_SIGNAL: return 128 + c->stop_signal;
    case STOP_MAX_PAGES:
    case STOP_MAX_BYTES:
    case STOP_MAX_TIME:
        if (is_more_left(c, t))
            return 5;
        c->stop = STOP_FINISHED;
        break;
    default: break;
    }
    return finished_code(c, t);
}

struct ending {
    struct crawl *c;
    int code;
};

static void log_graph(const struct store_op *op, int64_t began_ns)
{
    if (op->u.graph.skipped)
        log_warn("store", op->u.graph.wants_metrics ? "metrics-skipped" : "link-texts-kept", "%s",
                 err_text(op->u.graph.skipped));
    else if (op->u.graph.is_new)
        log_info("store", "metrics",
                 "%lld pages, %lld links, %d passes, %lld near-duplicate clusters, %lld ms",
                 (long long)op->u.graph.n_pages, (long long)op->u.graph.n_links,
                 op->u.graph.passes, (long long)op->u.graph.n_clusters,
                 (long long)((clock_now_ns() - began_ns) / NS_PER_MS));
}

static void finish_graph(struct crawl *c, struct ending *end)
{
    struct store_op *op = store_op_new(STORE_GRAPH, (size_t)64 * KIB);
    int64_t began_ns = clock_now_ns();

    op->u.graph.wants_metrics = !c->settings->has_no_metrics;
    op->u.graph.stop = &c->must_hurry;
    if (outbox_wait(c, op, DEADLINE_NEVER))
        return;
    if (op->result)
        end->code = 3;
    else
        log_graph(op, began_ns);
    store_op_free(op);
}

/*
 * The run is over and in the file: what this adds may be missing. A signal that comes now
 * leaves it out.
 */
static void finish_file(struct crawl *c, struct ending *end)
{
    finish_graph(c, end);
    if (renewal_run(c))
        end->code = 3;
}

static intptr_t end_run_main(void *arg)
{
    struct ending *end = arg;
    struct crawl *c = end->c;
    struct store_op *op = store_op_new(STORE_END_RUN, (size_t)1 * MIB);
    bool is_finished = c->stop == STOP_FINISHED;
    struct buf json;

    buf_init(&json, (size_t)512 * KIB);
    op->u.end_run.is_finished = is_finished;
    op->u.end_run.keeps_budget = c->stop == STOP_SIGNAL || c->stop == STOP_WARC;
    op->u.end_run.stop_reason = crawl_stop_word(c->stop);
    if (progress_summary_json(c, end->code, &json) == OK)
        op->u.end_run.summary_json = arena_copy(&op->mem, buf_span(&json));
    buf_clear(&json);
    if (outbox_wait(c, op, DEADLINE_NEVER) == OK) {
        if (op->result)
            end->code = 3;
        else if (is_finished)
            finish_file(c, end);
        store_op_free(op);
    }
    sched_stop(c->sched);
    return 0;
}

bool crawl_run_alone(struct crawl *c, const char *name, coro_fn *fn, void *arg)
{
    struct group *g = group_new(c->sched, NULL);
    enum err e;

    group_set_detached(g);
    e = group_spawn(g, name, fn, arg, NULL);
    if (e)
        fprintf(stderr, "crawl: cannot start the %s: %s\n", name, err_text(e));
    else
        sched_run(c->sched);
    group_free(g);
    return !e;
}

/* Writes the end of the run; the summary goes out when it is in the file. */
static int end_run(struct crawl *c)
{
    struct store_totals totals;
    struct ending end = { .c = c };

    store_get_totals(c->store, &totals);
    end.code = exit_code(c, &totals);
    if (c->stop == STOP_STORE)
        return end.code;
    return crawl_run_alone(c, "end", end_run_main, &end) ? end.code : 3;
}

static void say_unreached(const struct crawl *c)
{
    struct buf shown;

    buf_init(&shown, (size_t)64 * KIB);
    if (log_escape(&shown, span_str(c->missed_seed)))
        buf_reset(&shown);
    fprintf(stderr, "crawl: no seed could be reached%s%.*s; 'crawl explain URL' says %s\n", shown.len ? ": " : "",
            SPAN_ARG(buf_span(&shown)), shown.len ? "more" : "why");
    buf_clear(&shown);
}

static enum err put_summary(const char *path, struct span json, struct err_note *note)
{
    if (strcmp(path, "-") == 0 && !io_can_write(STDOUT_FILENO, SUMMARY_PATIENCE_MS))
        return err_set(note, ERR_IO, "nobody reads standard output");
    return io_put_file(path, json, note);
}

/* The code with which the program ends: 3 where a summary was asked for and could not be written. */
static int write_summary(struct crawl *c, int code)
{
    struct err_note note;
    struct buf json;

    /* Who does not read must not keep us from ending (promise P53). */
    if ((!c->settings->is_quiet || code == 4) && io_can_write(STDERR_FILENO, SUMMARY_PATIENCE_MS)) {
        if (!c->settings->is_quiet)
            progress_print_summary(c);
        if (code == 4) /* an error, which --quiet does not keep back */
            say_unreached(c);
    }
    if (!c->settings->json_summary)
        return code;
    buf_init(&json, (size_t)512 * KIB);
    if (progress_summary_json(c, code, &json) || buf_append_byte(&json, '\n') ||
        put_summary(c->settings->json_summary, buf_span(&json), &note)) {
        fprintf(stderr, "crawl: the summary could not be written: %s\n", note.text);
        code = 3;
    }
    buf_clear(&json);
    return code;
}

/* The WARC file is ended before the run is: that it could not be is part of how the run ended. */
static void end_archive(struct crawl *c)
{
    struct err_note note;

    if (archive_close(c->archive, &note)) {
        fprintf(stderr, "crawl: %s\n", note.text);
        c->stop = STOP_WARC;
    }
    c->archive = NULL;
}

struct tidying {
    struct crawl *c;
    struct loop_timer timer;
};

static void tidy(void *arg)
{
    struct tidying *t = arg;

    sched_age(t->c->sched);
    bodies_age(t->c->bodies);
    (void)mem_give_back();
    loop_timer_set(t->c->loop, &t->timer, clock_after(loop_now(t->c->loop), TIDY_NS));
}

/* *note: why the store failed, where it did. */
static int run_loop(struct crawl *c, const struct seeds *seeds, struct err_note *note)
{
    struct dispatch d = { c, seeds };
    struct tidying tidying = { .c = c };
    struct progress *p;
    int code;

    c->started_ns = clock_now_ns();
    c->stop_at = c->settings->max_time_ms >= 0
                     ? clock_after(c->started_ns, c->settings->max_time_ms * NS_PER_MS)
                     : DEADLINE_NEVER;
    loop_timer_init(&tidying.timer, tidy, &tidying);
    loop_timer_set(c->loop, &tidying.timer, clock_after(loop_now(c->loop), TIDY_NS));
    p = progress_start(c);
    (void)crawl_run_alone(c, "dispatcher", dispatch_main, &d); /* else c->stop stays STOP_NONE */
    progress_stop(p);
    loop_timer_clear(c->loop, &tidying.timer);
    end_archive(c);
    code = end_run(c);
    if (store_failure(c->store, note))
        code = 3;
    return write_summary(c, code);
}

int crawl_run(const struct settings *s, char **operands, size_t n_operands)
{
    struct crawl c = { .settings = s, .give_up_at = DEADLINE_NEVER };
    struct seeds seeds = { 0 };
    struct err_note note = { "" }, at_end = { "" };
    enum err e;
    int code;

    e = seeds_read(operands, n_operands, &seeds, &note);
    if (!e)
        e = parts_open(&c, &seeds, &note);
    if (!e) {
        c.counts.seeds = (int64_t)seeds.len;
        c.counts.bad_seeds = seeds.n_bad;
        note.text[0] = '\0';
        code = run_loop(&c, &seeds, &note);
    } else {
        if (!note.text[0])
            err_set(&note, e, "%s", err_text(e));
        code = e == ERR_USAGE ? 2 : e == ERR_LOCKED ? 6 : 3;
    }
    if (!parts_close(&c, &at_end))
        at_end.text[0] = '\0';
    else if (!code)
        code = 3;
    /* Last, so that it is what one reads; and a full disk, where it may go to a file, has room again. */
    if (note.text[0] || at_end.text[0])
        fprintf(stderr, "crawl: %s\n", note.text[0] ? note.text : at_end.text);
    seeds_clear(&seeds);
    return code;
}
