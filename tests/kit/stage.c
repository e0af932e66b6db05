/* SPDX-License-Identifier: MIT */
#include "tests/kit/stage.h"

#include <dirent.h>

#include "config/clock.h"
#include "crawler/zygote.h"

bool stage_zygote(int argc, char **argv, int *exit_code)
{
    struct err_note note = { 0 };

    if (pool_zygote_main(argc, argv, exit_code))
        return true;
    *exit_code = 1;
    if (!pool_start_zygote(&note))
        return false;
    fprintf(stderr, "%s\n", note.text);
    return true;
}

void stage_init(struct stage *st, size_t workers)
{
    *st = (struct stage){ .options = { .workers = workers,
                                       .window = 8,
                                       .job_timeout_ms = 5000,
                                       .worker_memory_bytes = 256 << 20,
                                       .recycle_after_jobs = 20000,
                                       .may_misbehave = true } };
}

void stage_open(struct stage *st)
{
    BUG_IF(bodies_open(64 << 20, &st->bodies, &st->note));
    st->opened =
        pool_open(incoro_sched(), &st->options, st->bodies, &st->pool, &st->note);
}

void stage_close(struct stage *st)
{
    if (!st->opened) {
        pool_close(st->pool);
        BUG_IF(pool_drain(st->pool, incoro_after_ms(STAGE_PATIENCE_MS)));
        pool_free(st->pool);
    }
    BUG_IF(bodies_used(st->bodies));
    bodies_close(st->bodies);
}

struct job stage_command(const char *name)
{
    return (struct job){ .kind = JOB_MISBEHAVE,
                         .url = SPAN("http://example.org/"),
                         .command = span_str(name),
                         .max_links = 100,
                         .max_decoded_bytes = 10 << 20,
                         .max_text_bytes = 1 << 20 };
}

void stage_take(struct pool_job *j, struct said *out)
{
    struct span detail = SPAN_NONE;

    out->failure = pool_job_failure(j, &detail);
    snprintf(out->detail, sizeof out->detail, "%.*s", SPAN_ARG(detail));
    if (out->failure == POOL_OK) {
        struct span bytes = pool_job_answer(j)->bytes;

        out->n_bytes = bytes.len;
        snprintf(out->bytes, sizeof out->bytes, "%.*s",
                 SPAN_ARG(span_slice(bytes, 0, MIN(bytes.len, (size_t)255))));
    }
    pool_job_free(j);
}

/* Runs one job to its end. */
struct said stage_ask_job(struct stage *st, const struct job *job)
{
    struct said said = { .failure = POOL_REFUSED };
    struct pool_job *j;

    said.e = pool_run(st->pool, job, NULL, incoro_after_ms(STAGE_PATIENCE_MS), &j);
    if (!said.e)
        stage_take(j, &said);
    return said;
}

struct said stage_ask(struct stage *st, const char *name)
{
    struct job job = stage_command(name);

    job.inline_body = SPAN("hello");
    return stage_ask_job(st, &job);
}

struct pool_stats stage_stats(const struct stage *st)
{
    struct pool_stats s;

    pool_get_stats(st->pool, &s);
    return s;
}

/* Waits until every worker has a process again. */
void stage_await_workers(struct stage *st)
{
    deadline until = incoro_after_ms(STAGE_PATIENCE_MS);

    while (stage_stats(st).started < st->options.workers && clock_now_ns() < until)
        (void)!coro_sleep_until(incoro_after_ms(2));
}

size_t stage_read_proc(int pid, const char *what, char *out, size_t n)
{
    char path[64];
    FILE *f;
    size_t got;

    snprintf(path, sizeof path, "/proc/%d/%s", pid, what);
    f = fopen(path, "re");
    if (!f)
        return 0;
    got = fread(out, 1, n - 1, f);
    fclose(f);
    out[got] = '\0';
    return got;
}

size_t stage_count_fds(int pid)
{
    char path[64];
    struct dirent *d;
    size_t n = 0;
    DIR *dir;

    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    dir = opendir(path);
    if (!dir)
        return 0;
    while ((d = readdir(dir)) != NULL)
        n += d->d_name[0] != '.';
    closedir(dir);
    return n;
}

static void on_many_done(void *arg, struct pool_job *j)
{
    struct many *m = arg;

    m->over++;
    m->is_on_loop = coro_current() == NULL;
    if (pool_job_failure(j, NULL) == POOL_OK) {
        m->ok++;
        m->wrong += !span_eq(pool_job_answer(j)->bytes, SPAN("payload"));
    }
    pool_job_free(j);
}

void stage_submit_many(struct many *m, const char *name, size_t n)
{
    struct job job = stage_command(name);

    job.inline_body = SPAN("payload");
    for (size_t i = 0; i < n; i++) {
        struct pool_job *j;

        BUG_IF(pool_submit(m->st.pool, &job, on_many_done, m, &j));
    }
}
