/* SPDX-License-Identifier: MIT */
#include "parse/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "config/mem.h"

#define ALIGN_TO    ((size_t)64)
#define REQUEST_LAP ((size_t)256 << 10)
#define ANSWER_LAP  ((size_t)1 << 20)
/* Memory for so much more than an answer at a time. */
#define AHEAD_BYTES ((size_t)256 << 10)
/* A worker that wrote beyond this has its pages given back when it is idle. */
#define TRIM_ABOVE ((size_t)4 << 20)

/* What a worker sleeps for. */
#define FOR_REQUEST 1u
#define FOR_TAKEN   2u

struct slot {
    _Atomic uint64_t offset, len;
};

/* Each counter has a cache line of its own: the two sides write different lines. */
struct parent_page {
    _Alignas(64) _Atomic uint64_t sent;
    _Alignas(64) _Atomic uint64_t taken;
    _Alignas(64) _Atomic uint32_t bell; /* the futex the worker sleeps on */
    _Atomic uint32_t should_stop;
    _Alignas(64) struct slot requests[CHANNEL_SLOTS];
};

struct worker_page {
    _Alignas(64) _Atomic uint64_t answered;
    _Alignas(64) _Atomic uint32_t asleep_for; /* a reason below, or 0: awake */
    _Alignas(64) _Atomic uint32_t parent_wants_bell;
    _Alignas(64) struct slot answers[CHANNEL_SLOTS];
    _Alignas(64) _Atomic uint32_t state;
    uint32_t version;
    char hello[CHANNEL_HELLO_SIZE];
};

struct channel_shared {
    _Alignas(4096) struct parent_page parent;
    _Alignas(4096) struct worker_page worker;
    _Alignas(4096) char requests[CHANNEL_REQUEST_BYTES];
    char answers[CHANNEL_ANSWER_BYTES];
};

_Static_assert(sizeof(uint32_t) == sizeof(_Atomic uint32_t),
               "a futex is a plain 32-bit word");

/* ---- space ---- */

void channel_space_init(struct channel_space *s, size_t cap, size_t lap)
{
    *s = (struct channel_space){ .cap = cap, .lap = lap };
}

size_t channel_space_room(const struct channel_space *s, size_t want,
                          size_t *out_offset)
{
    size_t oldest, at = s->pos, room;

    want = MAX(want, (size_t)1);
    if (channel_space_is_empty(s)) {
        at = 0;
        room = s->cap;
    } else if (s->taken - s->released >= CHANNEL_SLOTS) {
        return 0;
    } else {
        oldest = s->offsets[s->released % CHANNEL_SLOTS];
        room = s->pos > oldest ? s->cap - s->pos : oldest - s->pos;
        /* Turn back to the beginning early, to pages that are in the cache, or because we must. */
        if (s->pos > oldest && oldest >= want && (s->pos >= s->lap || room < want)) {
            at = 0;
            room = oldest;
        }
    }
    if (room < want)
        return 0;
    *out_offset = at;
    return room;
}

void channel_space_take(struct channel_space *s, size_t offset, size_t len)
{
    size_t end =
        MIN((offset + MAX(len, (size_t)1) + ALIGN_TO - 1) & ~(ALIGN_TO - 1), s->cap);

    s->offsets[s->taken % CHANNEL_SLOTS] = offset;
    s->taken++;
    s->pos = end;
}

void channel_space_release(struct channel_space *s)
{
    BUG_IF(channel_space_is_empty(s));
    s->released++;
}

/* ---- the parent's end ---- */

enum err channel_open(struct channel *out, int *out_fd, struct err_note *note)
{
    int fd = memfd_create("crawl-parser", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    void *map = MAP_FAILED;

    if (fd < 0)
        return err_set_errno(note, ERR_IO, errno, "no shared memory for a parser");
    /* Sealed against resizing: a worker could else make our reads fault. */
    if (ftruncate(fd, sizeof(struct channel_shared)) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        map = mmap(NULL, sizeof(struct channel_shared), PROT_READ | PROT_WRITE,
                   MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        err_set_errno(note, ERR_IO, errno, "no shared memory for a parser%s",
                      errno == EFBIG ? " (is ulimit -f too small?)" : "");
        close(fd);
        return ERR_IO;
    }
    *out = (struct channel){ .shared = map };
    channel_space_init(&out->requests, CHANNEL_REQUEST_BYTES, REQUEST_LAP);
    *out_fd = fd;
    return OK;
}

void channel_close(struct channel *c)
{
    if (c->shared)
        munmap(c->shared, sizeof *c->shared);
    c->shared = NULL;
}

/*
 * Wakes the worker if it said that it sleeps for this. Sequentially consistent
 * order on both sides: either it sees what we published before it sleeps, or
 * we see that it sleeps.
 */
static void wake_worker(struct channel_shared *sh, uint32_t reasons)
{
    if (!(atomic_load(&sh->worker.asleep_for) & reasons))
        return;
    atomic_store(&sh->worker.asleep_for, 0);
    atomic_fetch_add(&sh->parent.bell, 1);
    syscall(SYS_futex, &sh->parent.bell, FUTEX_WAKE, 1, NULL, NULL, 0);
}

enum err channel_send(struct channel *c, struct span request)
{
    struct channel_shared *sh = c->shared;
    struct slot *slot = &sh->parent.requests[c->sent % CHANNEL_SLOTS];
    size_t offset;

    if (channel_in_work(c) >= CHANNEL_SLOTS ||
        !channel_space_room(&c->requests, request.len, &offset))
        return ERR_FULL;
    if (request.len)
        memcpy(sh->requests + offset, request.ptr, request.len);
    channel_space_take(&c->requests, offset, request.len);
    atomic_store_explicit(&slot->offset, offset, memory_order_relaxed);
    atomic_store_explicit(&slot->len, request.len, memory_order_relaxed);
    c->sent++;
    atomic_store(&sh->parent.sent, c->sent);
    wake_worker(sh, FOR_REQUEST);
    return OK;
}

enum err channel_receive(struct channel *c, struct span *out)
{
    struct channel_shared *sh = c->shared;
    struct slot *slot = &sh->worker.answers[c->received % CHANNEL_SLOTS];
    uint64_t answered =
        atomic_load_explicit(&sh->worker.answered, memory_order_acquire);
    uint64_t offset, len;

    if (answered == c->received)
        return ERR_NOT_FOUND;
    /* Unsigned distance: a counter that ran backwards is a huge one. */
    if (answered - c->received > channel_in_work(c))
        return ERR_CORRUPT;
    offset = atomic_load_explicit(&slot->offset, memory_order_relaxed);
    len = atomic_load_explicit(&slot->len, memory_order_relaxed);
    if (offset > CHANNEL_ANSWER_BYTES || len > CHANNEL_ANSWER_BYTES - offset)
        return ERR_CORRUPT;
    c->answer_peak = MAX(c->answer_peak, (size_t)(offset + len));
    *out = span_make(sh->answers + offset, (size_t)len);
    return OK;
}

void channel_taken(struct channel *c)
{
    struct channel_shared *sh = c->shared;

    BUG_IF(!channel_in_work(c));
    c->received++;
    channel_space_release(&c->requests);
    atomic_store(&sh->parent.taken, c->received);
    wake_worker(sh, FOR_TAKEN);
}

bool channel_ask_for_bell(struct channel *c)
{
    atomic_store(&c->shared->worker.parent_wants_bell, 1);
    return atomic_load(&c->shared->worker.answered) != c->received;
}

void channel_stop(struct channel *c)
{
    atomic_store(&c->shared->parent.should_stop, 1);
    wake_worker(c->shared, FOR_REQUEST | FOR_TAKEN);
}

enum err channel_hello(const struct channel *c, enum channel_state *out,
                       char text[CHANNEL_HELLO_SIZE])
{
    const struct worker_page *w = &c->shared->worker;
    uint32_t state = atomic_load_explicit(&w->state, memory_order_acquire);
    size_t i;

    if (state >= N_CHANNEL_STATES)
        return ERR_CORRUPT;
    text[0] = '\0';
    if (state != CHANNEL_STARTING) {
        if (w->version != CHANNEL_VERSION)
            return ERR_VERSION;
        memcpy(text, w->hello, CHANNEL_HELLO_SIZE);
        text[CHANNEL_HELLO_SIZE - 1] = '\0';
        for (i = 0; text[i]; i++)
            if (text[i] < ' ' || text[i] > '~')
                text[i] = '?';
    }
    *out = (enum channel_state)state;
    return OK;
}

void channel_trim(struct channel *c)
{
    if (channel_in_work(c) || c->answer_peak <= TRIM_ABOVE)
        return;
    /* Where the kernel refuses, the pages stay: slower to share, never wrong. */
    (void)madvise(c->shared->answers, CHANNEL_ANSWER_BYTES, MADV_REMOVE);
    c->answer_peak = 0;
}

/* ---- the worker's end ---- */

enum err channel_attach(struct channel_end *out, int fd, int bell_fd,
                        struct err_note *note)
{
    void *map = mmap(NULL, sizeof(struct channel_shared), PROT_READ | PROT_WRITE,
                     MAP_SHARED, fd, 0);

    if (map == MAP_FAILED)
        return err_set_errno(note, ERR_IO, errno, "cannot map the channel");
    *out = (struct channel_end){ .shared = map, .bell_fd = bell_fd };
    channel_space_init(&out->answers, CHANNEL_ANSWER_BYTES, ANSWER_LAP);
    return OK;
}

/* Rings only when the parent asked, once for each time it asks. */
static void ring_parent(struct channel_end *c)
{
    uint64_t one = 1;
    ssize_t n;

    if (!atomic_exchange(&c->shared->worker.parent_wants_bell, 0))
        return;
    n = write(c->bell_fd, &one, sizeof one);
    (void)n; /* only fails when the bell is ringing already */
}

void channel_greet(struct channel_end *c, uint32_t version, enum channel_state state,
                   const char *text)
{
    struct worker_page *w = &c->shared->worker;

    snprintf(w->hello, sizeof w->hello, "%s", text);
    w->version = version;
    atomic_store(&w->state, (uint32_t)state);
    atomic_store(&w->parent_wants_bell, 1);
    ring_parent(c);
}

static bool has_request(const struct channel_end *c)
{
    return atomic_load(&c->shared->parent.sent) != c->received ||
           atomic_load(&c->shared->parent.should_stop);
}

static bool is_all_taken(const struct channel_end *c)
{
    return atomic_load(&c->shared->parent.taken) == c->answered ||
           atomic_load(&c->shared->parent.should_stop);
}

static void sleep_until(struct channel_end *c, uint32_t reason,
                        bool (*is_true)(const struct channel_end *))
{
    struct channel_shared *sh = c->shared;

    while (!is_true(c)) {
        uint32_t bell;

        atomic_store(&sh->worker.asleep_for, reason);
        bell = atomic_load(&sh->parent.bell);
        if (!is_true(c))
            syscall(SYS_futex, &sh->parent.bell, FUTEX_WAIT, bell, NULL, NULL, 0);
        atomic_store(&sh->worker.asleep_for, 0);
    }
}

bool channel_next(struct channel_end *c, struct span *out)
{
    struct channel_shared *sh = c->shared;
    const struct slot *slot = &sh->parent.requests[c->received % CHANNEL_SLOTS];

    sleep_until(c, FOR_REQUEST, has_request);
    if (atomic_load(&sh->parent.should_stop))
        return false;
    *out = span_make(sh->requests + atomic_load(&slot->offset),
                     (size_t)atomic_load(&slot->len));
    c->received++;
    return true;
}

/* Forgets the answers that the parent has taken. */
static void release_taken(struct channel_end *c)
{
    uint64_t taken =
        atomic_load_explicit(&c->shared->parent.taken, memory_order_acquire);

    while (c->answers.released < MIN(taken, c->answered))
        channel_space_release(&c->answers);
}

/* Memory for what is written into the region for the first time, some of it ahead. */
static void ready(struct channel_end *c, size_t offset, size_t n)
{
    size_t from = MAX(offset, c->ready_to), to = offset + n;

    if (offset + n / 2 < c->ready_to)
        return;
    mem_ready(c->shared->answers + from, to - from);
    c->ready_to = to;
}

char *channel_answer_room(struct channel_end *c, size_t want, size_t *out_room)
{
    size_t offset, room;

    release_taken(c);
    room = channel_space_room(&c->answers, want, &offset);
    if (!room)
        return NULL;
    *out_room = room;
    ready(c, offset, MIN(room, want + AHEAD_BYTES));
    return c->shared->answers + offset;
}

void channel_answer(struct channel_end *c, const char *at, size_t len)
{
    size_t offset = (size_t)(at - c->shared->answers);

    channel_space_take(&c->answers, offset, len);
    channel_answer_raw(c, offset, len);
}

void channel_answer_raw(struct channel_end *c, uint64_t offset, uint64_t len)
{
    struct worker_page *w = &c->shared->worker;
    struct slot *slot = &w->answers[c->answered % CHANNEL_SLOTS];

    atomic_store_explicit(&slot->offset, offset, memory_order_relaxed);
    atomic_store_explicit(&slot->len, len, memory_order_relaxed);
    c->answered++;
    atomic_store(&w->answered, c->answered);
    ring_parent(c);
}

void channel_wait_taken(struct channel_end *c)
{
    sleep_until(c, FOR_TAKEN, is_all_taken);
    release_taken(c);
}
