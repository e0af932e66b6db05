/* SPDX-License-Identifier: MIT */
#include "fetch/watchdog.h"

#include <linux/tcp.h> /* glibc's own tcp_info ends before the counters */
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>

#include "config/mem.h"
#include "config/thread.h"

struct watchdog {
    pthread_t thread;
    clockid_t watched; /* processor time of the loop's thread */
    pthread_mutex_t mutex;
    pthread_cond_t wakes;
    bool is_ending;
    atomic_bool is_asleep; /* the next step has to wake it */
    atomic_int fd;      /* of the step, or -1 between steps */
    atomic_ullong step; /* counts steps, and what was handed over within them */
    atomic_ullong n_cut;
};

/* The kernel's clocks, also where a test has set clock_now_ns. */
static int64_t now(clockid_t clock)
{
    struct timespec t;

    return clock_gettime(clock, &t) ? 0 : t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* What was seen at the last look. */
struct sight {
    unsigned long long step;
    int64_t since_ns;  /* when this step was first seen */
    int64_t busy_ns;   /* the processor time then */
    uint64_t received; /* and what the connection had brought by then */
    bool was_cut;
};

/* Bytes that a TCP connection has brought so far, read or not; 0 where that cannot be told. */
static uint64_t received(int fd)
{
    struct tcp_info info = { 0 };
    socklen_t n = sizeof(info);

    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) ? 0 : info.tcpi_bytes_received;
}

static void look(struct watchdog *w, struct sight *s)
{
    unsigned long long step = atomic_load(&w->step);
    int fd = atomic_load(&w->fd);

    if (fd < 0 || step != s->step) {
        *s = (struct sight){ .step = fd < 0 ? 0 : step, /* the first step is 1 */
                             .since_ns = now(CLOCK_MONOTONIC),
                             .busy_ns = now(w->watched),
                             .received = fd < 0 ? 0 : received(fd) };
        return;
    }
    if (s->was_cut || now(CLOCK_MONOTONIC) - s->since_ns < WATCHDOG_MOST_NS ||
        now(w->watched) - s->busy_ns < WATCHDOG_BUSY_NS ||
        received(fd) < s->received + WATCHDOG_FLOOD_BYTES ||
        atomic_load(&w->step) != step)
        return;
    atomic_fetch_add(&w->n_cut, 1); /* before anybody can see the end of it */
    (void)shutdown(fd, SHUT_RDWR);
    s->was_cut = true;
}

/*
 * Until a step begins. Who begins one sets fd before it looks whether we are asleep, and we say that we are
 * before we look at fd: one of us sees the other.
 */
static void sleep_until_step(struct watchdog *w)
{
    atomic_store(&w->is_asleep, true);
    while (atomic_load(&w->is_asleep) && !w->is_ending && atomic_load(&w->fd) < 0)
        pthread_cond_wait(&w->wakes, &w->mutex);
    atomic_store(&w->is_asleep, false);
}

static void *run(void *arg)
{
    struct watchdog *w = arg;
    struct sight sight = { 0 };
    unsigned long long last_step = 0;
    int n_quiet = 0; /* looks in a row that saw no step */

    pthread_mutex_lock(&w->mutex);
    while (!w->is_ending) {
        struct timespec until = thread_moment_in(WATCHDOG_LOOK_NS);
        unsigned long long step = atomic_load(&w->step);

        n_quiet = step == last_step && atomic_load(&w->fd) < 0 ? n_quiet + 1 : 0;
        last_step = step;
        if (n_quiet > WATCHDOG_QUIET_LOOKS)
            sleep_until_step(w);
        else
            pthread_cond_timedwait(&w->wakes, &w->mutex, &until);
        look(w, &sight);
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

enum err watchdog_open(struct watchdog **out, struct err_note *note)
{
    struct watchdog *w = mem_alloc(sizeof(*w));
    int rc;

    atomic_init(&w->fd, -1);
    pthread_mutex_init(&w->mutex, NULL);
    thread_cond_init(&w->wakes);
    rc = pthread_getcpuclockid(pthread_self(), &w->watched);
    if (!rc)
        rc = thread_start(&w->thread, "watchdog", run, w);
    if (rc) {
        pthread_cond_destroy(&w->wakes);
        pthread_mutex_destroy(&w->mutex);
        mem_free(w);
        return err_set_errno(note, ERR_NO_MEMORY, rc, "cannot start the watchdog thread");
    }
    *out = w;
    return OK;
}

void watchdog_close(struct watchdog *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->mutex);
    w->is_ending = true;
    pthread_cond_signal(&w->wakes);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->wakes);
    pthread_mutex_destroy(&w->mutex);
    mem_free(w);
}

/* Only the watched thread writes it. */
static void next_step(struct watchdog *w)
{
    atomic_store_explicit(&w->step,
                          atomic_load_explicit(&w->step, memory_order_relaxed) + 1,
                          memory_order_release);
}

static NOINLINE void wake(struct watchdog *w)
{
    pthread_mutex_lock(&w->mutex);
    atomic_store(&w->is_asleep, false);
    pthread_cond_signal(&w->wakes);
    pthread_mutex_unlock(&w->mutex);
}

void watchdog_enter(struct watchdog *w, int fd)
{
    next_step(w);
    atomic_store(&w->fd, fd);
    if (atomic_load(&w->is_asleep))
        wake(w);
}

void watchdog_note_data(struct watchdog *w)
{
    next_step(w);
}

void watchdog_leave(struct watchdog *w)
{
    atomic_store_explicit(&w->fd, -1, memory_order_release);
}

uint64_t watchdog_n_cut(const struct watchdog *w)
{
    return atomic_load(&w->n_cut);
}
