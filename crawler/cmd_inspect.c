/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <unistd.h>

#include "config/io.h"
#include "config/mem.h"
#include "crawler/cell.h"
#include "crawler/command.h"
#include "crawler/pool.h"
#include "fetch/sync.h"
#include "parse/inspect.h"

#define MAX_LINE       ((size_t)64 * MIB)
#define READ_STEP      ((size_t)256 * KIB)
#define BODIES_BYTES   ((size_t)64 * MIB)
#define IN_WORK        32
#define WORKER_MEMORY  (1 * GIB)
#define JOB_TIMEOUT_MS 8000

struct inspect {
    struct sched *sched;
    struct pool *pool;
    struct span command;
    struct buf input; /* what was read and not yet handed out */
    struct sem in_work;
    struct tracker open;
    struct event readable;
    bool has_ended, has_failed;
};

/* The first of many answers that cannot be written is said. */
static void lose_output(struct inspect *in, enum err e)
{
    const struct err_note note = { "" };

    if (!in->has_failed)
        (void)command_fail("inspect", e, &note);
    in->has_failed = true;
}

/* Everything about a line that a parser did not answer. */
static void print_failure(struct inspect *in, struct span why)
{
    struct buf out;
    enum err e;

    buf_init(&out, (size_t)64 * KIB);
    e = buf_printf(&out, "{\"error\":\"%.*s\"}\n", SPAN_ARG(why));
    if (!e)
        e = io_write_all(STDOUT_FILENO, buf_span(&out));
    if (e)
        lose_output(in, e);
    buf_clear(&out);
}

/* The answer's line, which may end on a terminal. */
static void print_answer(struct inspect *in, struct span answer)
{
    struct buf out;
    enum err e;

    buf_init(&out, SIZE_MAX);
    e = cell_put_json_value(&out, answer);
    if (!e)
        e = buf_append_byte(&out, '\n');
    if (!e)
        e = io_write_all(STDOUT_FILENO, buf_span(&out));
    if (e)
        lose_output(in, e);
    buf_clear(&out);
}

static void on_answer(void *arg, struct pool_job *job)
{
    struct inspect *in = arg;
    struct span why;

    if (pool_job_failure(job, &why))
        print_failure(in, why);
    else
        print_answer(in, pool_job_answer(job)->bytes);
    pool_job_free(job);
    sem_leave(&in->in_work);
    tracker_done(&in->open);
}

static enum err submit_line(struct inspect *in, struct span line)
{
    struct job job = { .kind = JOB_INSPECT,
                       .command = in->command,
                       .inline_body = line };
    struct pool_job *handle;
    enum err e;

    if (!span_trim(line).len)
        return OK;
    e = sem_enter(&in->in_work, DEADLINE_NEVER);
    if (e)
        return e;
    tracker_add(&in->open);
    e = pool_submit(in->pool, &job, on_answer, in, &handle);
    if (e)
        tracker_done(&in->open);
    return e;
}

/* Hands out the complete lines, and the last one without its newline at the end of input. */
static enum err submit_lines(struct inspect *in)
{
    struct span rest = buf_span(&in->input);
    size_t used = 0;
    enum err e = OK;

    while (!e && rest.len) {
        size_t end = span_find(rest, '\n');

        if (end == rest.len && !in->has_ended)
            break;
        e = submit_line(in, span_slice(rest, 0, end));
        used += MIN(end + 1, rest.len);
        rest = span_skip(rest, end + 1);
    }
    if (used) {
        memmove(in->input.ptr, in->input.ptr + used, in->input.len - used);
        in->input.len -= used;
    }
    return e;
}

static void on_readable(void *arg, uint32_t events)
{
    struct inspect *in = arg;

    (void)events;
    event_set(&in->readable);
}

/* Suspends until input is there; files are always ready and cannot be watched. */
static enum err wait_input(struct inspect *in)
{
    struct loop *loop = sched_loop(in->sched);
    loop_watch_id watch;
    enum err e;

    event_init(&in->readable);
    if (loop_watch(loop, STDIN_FILENO, EPOLLIN, on_readable, in, &watch))
        return OK;
    e = event_wait(&in->readable, DEADLINE_NEVER);
    loop_unwatch(loop, watch); /* its end of file would be reported for ever */
    return e;
}

static enum err read_some(struct inspect *in)
{
    enum err e = wait_input(in);
    ssize_t n;

    if (!e)
        e = buf_reserve(&in->input, READ_STEP);
    if (e)
        return e;
    n = read(STDIN_FILENO, in->input.ptr + in->input.len, READ_STEP);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? OK : ERR_IO;
    in->has_ended = n == 0;
    in->input.len += (size_t)n;
    return OK;
}

static intptr_t inspect_main(void *arg)
{
    struct inspect *in = arg;
    enum err e = OK;

    while (!e && !in->has_ended && !in->has_failed) {
        e = read_some(in);
        if (!e)
            e = submit_lines(in);
    }
    if (tracker_wait(&in->open, DEADLINE_NEVER))
        e = ERR_CANCELLED;
    in->has_failed |= e != OK;
    sched_stop(in->sched);
    return 0;
}

static int run_loop(struct inspect *in)
{
    struct group *g = group_new(in->sched, NULL);
    enum err e;

    sem_init_permits(&in->in_work, IN_WORK);
    tracker_init(&in->open);
    buf_init(&in->input, MAX_LINE);
    group_set_detached(g);
    e = group_spawn(g, "inspect", inspect_main, in, NULL);
    if (!e)
        sched_run(in->sched);
    group_free(g);
    buf_clear(&in->input);
    return e || in->has_failed ? 3 : 0;
}

static int serve(struct span command)
{
    struct pool_options options = { .workers = 1,
                                    .window = 8,
                                    .job_timeout_ms = JOB_TIMEOUT_MS,
                                    .worker_memory_bytes = (size_t)WORKER_MEMORY,
                                    .recycle_after_jobs = 20000 };
    struct inspect in = { .command = command };
    struct bodies *bodies = NULL;
    struct loop *loop = NULL;
    struct err_note note = { "" };
    int code = 3;
    enum err e = pool_start_zygote(&note);

    if (!e)
        e = loop_open(&loop, &note);
    if (!e)
        e = sched_open(loop, &in.sched, &note);
    if (!e)
        e = bodies_open(BODIES_BYTES, &bodies, &note);
    if (!e)
        e = pool_open(in.sched, &options, bodies, &in.pool, &note);
    if (!e)
        code = run_loop(&in);
    else
        fprintf(stderr, "crawl inspect: %s\n", note.text);
    if (in.pool) {
        pool_terminate(in.pool);
        pool_free(in.pool);
    }
    if (in.sched)
        sched_close(in.sched);
    loop_close(loop);
    bodies_close(bodies);
    return code;
}

static int inspect(const struct command *self, int argc, char **argv)
{
    int unused = 0, code;
    char **operands;
    size_t n;

    if (!command_parse(self, &unused, argc, argv, &operands, &n, &code))
        return code;
    if (n != 1 || !inspect_knows(span_str(operands[0]))) {
        fprintf(
            stderr,
            "crawl inspect: %s; 'crawl inspect --help' lists what can be inspected\n",
            n == 1 ? "there is no such inspection" : "name one inspection");
        code = 2;
    } else {
        code = serve(span_str(operands[0]));
    }
    mem_free(operands);
    return code;
}

const struct command cmd_inspect = {
    .name = "inspect",
    .usage = "inspect url|robots|charset|links|sitemap|feed|text|extract|domain",
    .summary = "what our parsers make of something: JSON lines in, JSON lines out",
    .description =
        "Reads one JSON object a line on standard input and writes one a line, through the same\n"
        "parsers and the same sandboxed processes as a crawl. No network, no database.\n"
        "\n"
        "  echo '{\"id\":\"1\",\"input\":\"HTTP://Example.org:80/a/../b\"}' | crawl inspect url\n",
    .exec = inspect,
};
