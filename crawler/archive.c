/* SPDX-License-Identifier: MIT */
#include "crawler/archive.h"

#include <pthread.h>

#include "config/mem.h"
#include "config/thread.h"
#include "crawler/credentials.h"
#include "crawler/warc.h"

#define MAX_QUEUE    (64 * MIB)
#define MAX_SETTINGS ((size_t)MIB)

/* A copied exchange; what its spans point at lies behind it. */
struct item {
    struct list_node node;
    size_t bytes;
    struct warc_exchange x;
};

struct archive {
    struct crawl *crawl;
    struct warc *warc; /* the thread's while it runs */
    pthread_t thread;
    size_t max_bytes;
    uint64_t last;         /* exchanges put; the loop's */
    struct waitq progress; /* coroutines in archive_wait */
    struct loop_wakeup *wakeup;
    pthread_mutex_t mutex; /* guards everything below */
    pthread_cond_t has_work;
    struct list_node queue;
    size_t queued_bytes;
    uint64_t written;
    bool must_stop;
    enum err failed;
    struct err_note note;
};

/* --- the thread ------------------------------------------------------------------ */

/* The next exchange, waiting for one; NULL when all is written and the thread must stop. */
static struct item *take(struct archive *a)
{
    struct list_node *n;

    pthread_mutex_lock(&a->mutex);
    while (list_is_empty(&a->queue) && !a->must_stop)
        pthread_cond_wait(&a->has_work, &a->mutex);
    n = list_take_first(&a->queue);
    pthread_mutex_unlock(&a->mutex);
    return n ? CONTAINER_OF(n, struct item, node) : NULL;
}

static void note_written(struct archive *a, const struct item *it, enum err e,
                         const struct err_note *note)
{
    pthread_mutex_lock(&a->mutex);
    a->queued_bytes -= it->bytes;
    a->written++;
    if (e && !a->failed) {
        a->failed = e;
        a->note = *note;
    }
    pthread_mutex_unlock(&a->mutex);
    loop_wakeup_signal(a->wakeup);
}

static void *run(void *arg)
{
    struct archive *a = arg;
    struct err_note note = { "" };
    struct item *it;
    enum err e = OK;

    while ((it = take(a)) != NULL) {
        if (!e) /* after an error the rest is only taken off the queue */
            e = warc_write(a->warc, &it->x, &note);
        note_written(a, it, e, &note);
        mem_free(it);
    }
    return NULL;
}

/* --- opening --------------------------------------------------------------------- */

static enum err failure(struct archive *a)
{
    enum err e;

    pthread_mutex_lock(&a->mutex);
    e = a->failed;
    pthread_mutex_unlock(&a->mutex);
    return e;
}

static void on_progress(void *arg)
{
    struct archive *a = arg;

    if (failure(a))
        crawl_stop(a->crawl, STOP_WARC);
    waitq_wake_all(&a->progress);
    crawl_poke(a->crawl);
}

static enum err open_warc(struct crawl *c, struct warc **out, struct err_note *note)
{
    const struct settings *s = c->settings;
    struct warc_options o = { .dir = s->warc_dir,
                              .max_file_bytes = WARC_MAX_FILE_BYTES,
                              .software = SPAN("crawl/" CRAWL_VERSION),
                              .user_agent = c->user_agent,
                              .robots =
                                  s->has_no_robots ? SPAN("ignore") : SPAN("obey"),
                              .operator= span_str(s->contact),
                              .description =
                                  SPAN("bodies as received, without transfer coding") };
    struct buf settings;
    enum err e;

    buf_init(&settings, MAX_SETTINGS);
    e = settings_to_json(s, &settings); /* leaves secrets out */
    if (e)
        err_set(note, e, "cannot write the settings down: %s", err_text(e));
    o.settings = buf_span(&settings);
    if (!e)
        e = warc_open(&o, out, note);
    buf_clear(&settings);
    return e;
}

static void free_archive(struct archive *a)
{
    if (a->wakeup)
        loop_wakeup_close(a->wakeup);
    pthread_cond_destroy(&a->has_work);
    pthread_mutex_destroy(&a->mutex);
    mem_free(a);
}

enum err archive_open(struct crawl *c, struct archive **out, struct err_note *note)
{
    struct archive *a;
    enum err e;
    int rc;

    *out = NULL;
    if (!c->settings->warc_dir)
        return OK;
    a = mem_alloc(sizeof *a);
    a->crawl = c;
    a->max_bytes = (size_t)MIN(c->settings->max_memory / 16, MAX_QUEUE);
    list_init(&a->queue);
    waitq_init(&a->progress);
    pthread_mutex_init(&a->mutex, NULL);
    pthread_cond_init(&a->has_work, NULL);
    e = open_warc(c, &a->warc, note);
    if (!e && loop_wakeup_open(c->loop, on_progress, a, &a->wakeup))
        e = err_set(note, ERR_IO, "cannot make a wake-up for the WARC writer");
    if (!e) {
        rc = thread_start(&a->thread, "warc", run, a);
        if (rc)
            e = err_set_errno(note, ERR_NO_MEMORY, rc, "cannot start the WARC writer");
    }
    if (!e) {
        *out = a;
        return OK;
    }
    if (a->warc && warc_close(a->warc, NULL))
        e = e ? e : ERR_IO;
    free_archive(a);
    return e;
}

/* --- handing over ---------------------------------------------------------------- */

/* Why the body is not whole, in the words of ISO 28500 §5.13; NULL when it is. */
static const char *truncated(const struct fetch_result *got)
{
    if (got->body_skipped)
        return "unspecified"; /* not wanted, so not read */
    switch (got->outcome) {
    case FETCH_OK:
    case FETCH_REDIRECT:
    case FETCH_REDIRECT_LIMIT:
    case FETCH_NOT_MODIFIED:
    case FETCH_HTTP_ERROR: return NULL;
    case FETCH_TOO_LARGE: return "length";
    case FETCH_TIMEOUT: return "time";
    case FETCH_INCOMPLETE:
    case FETCH_CONNECTION_LOST: return "disconnect";
    default: return "unspecified";
    }
}

/* Nothing is known to have gone out before there is a connection. */
static bool was_sent(const struct fetch_result *got)
{
    return got->status_code || got->outcome == FETCH_CONNECTION_LOST ||
           got->outcome == FETCH_BAD_RESPONSE;
}

/* Copies s to *at and moves on; the copy is what a span in an item points at. */
static struct span copy_to(char **at, struct span s)
{
    struct span copy = span_make(*at, s.len);

    if (s.len)
        memcpy(*at, s.ptr, s.len);
    *at += s.len;
    return copy;
}

static struct item *copy_item(const struct warc_exchange *x)
{
    size_t bytes = sizeof(struct item) + x->url.len + x->ip.len +
                   x->request_headers.len + x->http_version.len + x->headers.len +
                   x->payload.len + x->outcome.len + x->error.len;
    struct item *it = mem_try_alloc(bytes);
    char *at;

    if (!it)
        return NULL;
    it->bytes = bytes;
    it->x = *x;
    at = (char *)(it + 1);
    it->x.url = copy_to(&at, x->url);
    it->x.ip = copy_to(&at, x->ip);
    it->x.request_headers = copy_to(&at, x->request_headers);
    it->x.http_version = copy_to(&at, x->http_version);
    it->x.headers = copy_to(&at, x->headers);
    it->x.payload = copy_to(&at, x->payload);
    it->x.outcome = copy_to(&at, x->outcome);
    it->x.error = copy_to(&at, x->error);
    return it;
}

static void queue(struct archive *a, struct item *it)
{
    pthread_mutex_lock(&a->mutex);
    if (it) {
        list_add_last(&a->queue, &it->node);
        a->queued_bytes += it->bytes;
        pthread_cond_signal(&a->has_work);
    } else if (!a->failed) {
        a->failed = err_set(&a->note, ERR_NO_MEMORY, "no memory for a WARC record");
    }
    pthread_mutex_unlock(&a->mutex);
}

void archive_put(struct archive *a, struct span url, const struct fetch_result *got)
{
    struct warc_exchange x = { .url = url,
                               .date_ms = got->started_wall_ms,
                               .ip = got->ip,
                               .status_code = got->status_code,
                               .http_version = got->http_version,
                               .has_payload = true,
                               .truncated = truncated(got),
                               .outcome = span_str(result_outcome_name(got->outcome)),
                               .error = got->error,
                               .total_ms = got->timings.total_ms };
    struct arena mem;

    if (!a || got->outcome == FETCH_CANCELLED || got->was_reused_and_lost ||
        got->is_out_of_descriptors)
        return;
    if (was_sent(got))
        x.request_headers = got->request_headers;
    x.payload = bodies_view(a->crawl->bodies, &got->body);
    a->last++;
    arena_init(&mem, 2 * got->headers.len + (size_t)64 * KIB); /* "(withheld)" is shorter than what names a cookie */
    x.headers = credentials_withhold_cookies(got->headers, &mem);
    queue(a, copy_item(&x));
    arena_clear(&mem);
    if (failure(a))
        crawl_stop(a->crawl, STOP_WARC);
}

uint64_t archive_last(const struct archive *a)
{
    return a ? a->last : 0;
}

enum err archive_wait(struct archive *a, uint64_t last, deadline until)
{
    enum err e = OK;

    while (a && !e) {
        bool is_written;

        pthread_mutex_lock(&a->mutex);
        is_written = a->written >= last;
        if (a->failed)
            e = ERR_IO;
        pthread_mutex_unlock(&a->mutex);
        if (e || is_written)
            break;
        e = waitq_wait(&a->progress, until);
    }
    return e;
}

bool archive_is_full(struct archive *a)
{
    bool is_full;

    if (!a)
        return false;
    pthread_mutex_lock(&a->mutex);
    is_full = a->queued_bytes >= a->max_bytes;
    pthread_mutex_unlock(&a->mutex);
    return is_full;
}

enum err archive_close(struct archive *a, struct err_note *note)
{
    struct err_note late;
    enum err e;

    if (!a)
        return OK;
    pthread_mutex_lock(&a->mutex);
    a->must_stop = true;
    pthread_cond_signal(&a->has_work);
    pthread_mutex_unlock(&a->mutex);
    pthread_join(a->thread, NULL);
    e = warc_close(a->warc, &late);
    if (a->failed)
        e = err_set(note, a->failed, "%s", a->note.text); /* the first cause */
    else if (e)
        err_set(note, e, "%s", late.text);
    free_archive(a);
    return e;
}
