/* SPDX-License-Identifier: MIT */
#include "crawler/quarantine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/io.h"
#include "config/list.h"
#include "config/mem.h"
#include "config/thread.h"
#include "crawler/quarantine_text.h"

#define NAME_SIZE 64
/* A line of JSON may be so long: a body in base64 and its header lines. */
#define MAX_LINE ((size_t)2 * GIB)

/* One victim, copied; what its spans point at lies in mem. */
struct item {
    struct list_node node;
    struct arena mem;
    struct quarantine_page page;
    char name[NAME_SIZE];
};

struct quarantine {
    char folder[QUARANTINE_PATH_SIZE - NAME_SIZE];
    size_t max_files;
    int fd; /* of the folder; -1 until the first victim */
    size_t n_files, last_number;
    uint64_t bytes; /* in the folder or on the way to it */
    bool has_thread;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards everything below */
    pthread_cond_t has_work;
    struct list_node queue;
    bool must_stop;
    enum err failed;
    struct err_note note;
};

struct quarantine *quarantine_new(const char *db_path, size_t max_files)
{
    struct quarantine *q = mem_alloc(sizeof *q);
    int n = snprintf(q->folder, sizeof q->folder, "%s-quarantine", db_path);

    q->max_files = (size_t)n < sizeof q->folder ? max_files : 0;
    q->fd = -1;
    pthread_mutex_init(&q->mutex, NULL);
    pthread_cond_init(&q->has_work, NULL);
    list_init(&q->queue);
    return q;
}

/* --- the thread ---------------------------------------------------------------------- */

static struct item *take(struct quarantine *q)
{
    struct list_node *n;

    pthread_mutex_lock(&q->mutex);
    while (list_is_empty(&q->queue) && !q->must_stop)
        pthread_cond_wait(&q->has_work, &q->mutex);
    n = list_take_first(&q->queue);
    pthread_mutex_unlock(&q->mutex);
    return n ? CONTAINER_OF(n, struct item, node) : NULL;
}

static enum err write_file(const struct quarantine *q, const char *name,
                           struct span text, struct err_note *note)
{
    int fd =
        openat(q->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    enum err e = fd < 0 ? ERR_IO : io_write_all(fd, text);

    if (fd >= 0 && close(fd) && !e)
        e = ERR_IO;
    if (e)
        (void)err_set_errno(note, e, errno, "cannot write %s/%s", q->folder, name);
    if (e && fd >= 0)
        unlinkat(q->fd, name, 0);
    return e;
}

static enum err write_item(const struct quarantine *q, const struct item *it,
                           struct err_note *note)
{
    struct buf text;
    enum err e;

    buf_init(&text, MAX_LINE);
    e = quarantine_text_format(&it->page, &text);
    if (e)
        (void)err_set(note, e, "cannot write %s/%s: %s", q->folder, it->name,
                      err_text(e));
    else
        e = write_file(q, it->name, buf_span(&text), note);
    buf_clear(&text);
    return e;
}

static void free_item(struct item *it)
{
    arena_clear(&it->mem);
    mem_free(it);
}

static void *run(void *arg)
{
    struct quarantine *q = arg;
    struct item *it;

    while ((it = take(q)) != NULL) {
        struct err_note note = { "" };
        enum err e = write_item(q, it, &note);

        free_item(it);
        if (!e)
            continue;
        pthread_mutex_lock(&q->mutex);
        q->failed = e;
        q->note = note;
        pthread_mutex_unlock(&q->mutex);
    }
    return NULL;
}

static enum err start_thread(struct quarantine *q, struct err_note *note)
{
    int rc;

    if (q->has_thread)
        return OK;
    rc = thread_start(&q->thread, "quarantine", run, q);
    if (rc)
        return err_set_errno(note, ERR_IO, rc, "cannot start a thread");
    q->has_thread = true;
    return OK;
}

/* --- the folder ---------------------------------------------------------------------- */

/* What earlier runs left counts towards the limits, and numbers go on from there. */
static void count_file(struct quarantine *q, const char *name)
{
    struct span rest = span_str(name), word, digits = SPAN_NONE;
    uint64_t number;
    struct stat st;

    if (name[0] == '.' || fstatat(q->fd, name, &st, AT_SYMLINK_NOFOLLOW))
        return;
    q->n_files++;
    q->bytes += (uint64_t)st.st_size;
    if (span_split(&rest, '-', &word) && span_split(&rest, '.', &digits) &&
        span_parse_u64(digits, &number) && number < SIZE_MAX / 2)
        q->last_number = MAX(q->last_number, (size_t)number);
}

static void count_files(struct quarantine *q)
{
    int copy = fcntl(q->fd, F_DUPFD_CLOEXEC, 3);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *d;

    if (!dir) {
        if (copy >= 0)
            close(copy);
        return;
    }
    while ((d = readdir(dir)) != NULL)
        count_file(q, d->d_name);
    closedir(dir);
}

static enum err open_folder(struct quarantine *q, struct err_note *note)
{
    struct stat st;
    int fd;

    if (q->fd >= 0)
        return OK;
    if (mkdir(q->folder, 0700) && errno != EEXIST)
        return err_set_errno(note, ERR_IO, errno, "cannot make %s", q->folder);
    fd = open(q->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(note,
                             errno == ENOTDIR || errno == ELOOP ? ERR_REFUSED : ERR_IO,
                             errno, "cannot use %s", q->folder);
    if (fstat(fd, &st) || st.st_uid != geteuid() || (st.st_mode & 077)) {
        close(fd);
        return err_set(note, ERR_REFUSED,
                       "%s is open to others, so nothing is kept there", q->folder);
    }
    q->fd = fd;
    count_files(q);
    return OK;
}

/* --- from outside ------------------------------------------------------------------- */

static struct item *copy_victim(const struct pool_victim *v)
{
    struct item *it = mem_alloc(sizeof *it);
    struct quarantine_page *p = &it->page;
    const struct job *job = v->job;
    enum err e;

    arena_init(&it->mem, SIZE_MAX);
    list_init(&it->node);
    p->kind = job->kind;
    p->at_wall_ms = clock_wall_ms();
    e = arena_try_copy(&it->mem, v->body, &p->body);
    if (!e)
        e = arena_try_copy(&it->mem, job->headers, &p->headers);
    if (e) {
        free_item(it);
        return NULL;
    }
    p->url = arena_copy(&it->mem, job->url);
    p->content_type = arena_copy(&it->mem, job->content_type);
    p->content_encoding = arena_copy(&it->mem, job->content_encoding);
    p->product_token = arena_copy(&it->mem, job->product_token);
    p->why = arena_copy(&it->mem, span_str(v->why));
    return it;
}

static void enqueue(struct quarantine *q, struct item *it)
{
    pthread_mutex_lock(&q->mutex);
    list_add_last(&q->queue, &it->node);
    pthread_cond_signal(&q->has_work);
    pthread_mutex_unlock(&q->mutex);
}

enum err quarantine_add(struct quarantine *q, const struct pool_victim *v,
                        char out_path[QUARANTINE_PATH_SIZE], struct err_note *note)
{
    const char *word = quarantine_text_word(v->job->kind);
    uint64_t bytes = quarantine_text_bound(v->body.len, v->job->headers.len);
    struct item *it;
    enum err e;

    if (!q->max_files || !word)
        return err_set(note, ERR_UNSUPPORTED, "not a page to be kept");
    e = open_folder(q, note);
    if (e)
        return e;
    if (q->n_files >= q->max_files || q->bytes + bytes > (uint64_t)QUARANTINE_MAX_BYTES)
        return err_set(note, ERR_FULL, "%s is full", q->folder);
    e = start_thread(q, note);
    if (e)
        return e;
    it = copy_victim(v);
    if (!it)
        return err_set(note, ERR_NO_MEMORY, "no memory to keep the page");
    snprintf(it->name, sizeof it->name, "%s-%06zu.json", word, ++q->last_number);
    snprintf(out_path, QUARANTINE_PATH_SIZE, "%s/%s", q->folder, it->name);
    q->n_files++;
    q->bytes += bytes;
    enqueue(q, it);
    return OK;
}

enum err quarantine_close(struct quarantine *q, struct err_note *note)
{
    enum err e;

    if (!q)
        return OK;
    if (q->has_thread) {
        pthread_mutex_lock(&q->mutex);
        q->must_stop = true;
        pthread_cond_signal(&q->has_work);
        pthread_mutex_unlock(&q->mutex);
        pthread_join(q->thread, NULL);
    }
    e = q->failed;
    if (e)
        *note = q->note;
    if (q->fd >= 0)
        close(q->fd);
    pthread_cond_destroy(&q->has_work);
    pthread_mutex_destroy(&q->mutex);
    mem_free(q);
    return e;
}
