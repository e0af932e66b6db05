/* SPDX-License-Identifier: MIT */
#include "fetch/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/mem.h"

enum {
    MAX_BATCH = 256, /* events taken from the kernel at a time */
    MIN_BATCH = 8,
    MAX_EVENTS = 1024, /* in one turn, before timers get their chance */
    FIRST_SLOTS = 64,
};

#define NO_SLOT UINT32_MAX

/* A watch, live or idle. Idle ones are chained through next_idle. */
struct slot {
    loop_fd_fn *fn;
    void *arg;
    int fd;              /* -1 when idle */
    uint32_t generation; /* never 0; steps when the watch ends */
    uint32_t events;
    uint32_t next_idle;
};

struct loop_wakeup {
    struct loop *loop;
    loop_fn *fn;
    void *arg;
    loop_watch_id watch;
    int fd;
    atomic_bool is_pending; /* saves the write when one is on its way already */
};

struct loop {
    int epoll_fd;
    bool lacks_pwait2; /* the kernel (before 5.11) or a filter lets us wait in milliseconds only */
    int64_t now;
    struct heap timers;
    struct slot *slots;
    uint32_t n_slots, idle;
    size_t n_watches, n_wakeups;
    uint32_t *owners; /* by fd: the slot that was registered for it last */
    size_t n_owners;
    int signal_fd;
    loop_watch_id signal_watch;
    loop_signal_fn *on_signal;
    void *signal_arg;
    sigset_t old_mask;
    struct loop_stats stats;
    struct epoll_event batch[MAX_BATCH];
    int n_batch; /* taken at a time now */
};

/* --- watches ---------------------------------------------------------------- */

static loop_watch_id id_of(const struct loop *l, uint32_t i)
{
    return (uint64_t)l->slots[i].generation << 32 | i;
}

/* NULL when the watch is over, whatever its slot and fd are used for now. */
static struct slot *find(const struct loop *l, loop_watch_id id)
{
    uint32_t i = (uint32_t)id;

    if (i >= l->n_slots || l->slots[i].fd < 0 || id_of(l, i) != id)
        return NULL;
    return &l->slots[i];
}

static void grow_slots(struct loop *l)
{
    uint32_t n = l->n_slots ? l->n_slots * 2 : FIRST_SLOTS;
    struct slot *grown = mem_array(n, sizeof(*grown));

    if (l->n_slots)
        memcpy(grown, l->slots, l->n_slots * sizeof(*grown));
    for (uint32_t i = n; i-- > l->n_slots;) {
        grown[i] = (struct slot){ .fd = -1, .generation = 1, .next_idle = l->idle };
        l->idle = i;
    }
    mem_free(l->slots);
    l->slots = grown;
    l->n_slots = n;
}

static void set_owner(struct loop *l, int fd, uint32_t i)
{
    size_t at = (size_t)fd;

    if (at >= l->n_owners) {
        size_t n = MAX(at + 1, l->n_owners * 2);
        uint32_t *grown = mem_array(n, sizeof(*grown));

        if (l->n_owners)
            memcpy(grown, l->owners, l->n_owners * sizeof(*grown));
        mem_free(l->owners);
        l->owners = grown;
        l->n_owners = n;
    }
    l->owners[at] = i;
}

enum err loop_watch(struct loop *l, int fd, uint32_t events, loop_fd_fn *fn, void *arg,
                    loop_watch_id *out)
{
    uint32_t i;

    if (l->idle == NO_SLOT)
        grow_slots(l);
    i = l->idle;

    struct epoll_event ev = { .events = events, .data.u64 = id_of(l, i) };

    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0)
        return errno == EEXIST ? ERR_EXISTS : ERR_IO;
    l->idle = l->slots[i].next_idle;
    l->slots[i].fn = fn;
    l->slots[i].arg = arg;
    l->slots[i].fd = fd;
    l->slots[i].events = events;
    l->n_watches++;
    set_owner(l, fd, i);
    *out = ev.data.u64;
    return OK;
}

void loop_watch_change(struct loop *l, loop_watch_id id, uint32_t events)
{
    struct slot *s = find(l, id);

    if (!s || s->events == events)
        return;

    struct epoll_event ev = { .events = events, .data.u64 = id };

    s->events = events;
    /* Fails only for an fd that was closed under us; then nothing is left to change. */
    if (l->owners[s->fd] == (uint32_t)id)
        (void)epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, s->fd, &ev);
}

void loop_unwatch(struct loop *l, loop_watch_id id)
{
    struct slot *s = find(l, id);
    uint32_t i = (uint32_t)id;

    if (!s)
        return;
    /* Where the fd was closed and its number watched anew, the kernel's entry is not ours. */
    if (l->owners[s->fd] == i)
        (void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
    s->fd = -1;
    s->generation++;
    if (s->generation == 0)
        s->generation = 1;
    s->next_idle = l->idle;
    l->idle = i;
    l->n_watches--;
}

/* --- timers ------------------------------------------------------------------- */

void loop_timer_init(struct loop_timer *t, loop_fn *fn, void *arg)
{
    *t = (struct loop_timer){ .fn = fn, .arg = arg };
}

void loop_timer_set(struct loop *l, struct loop_timer *t, deadline at)
{
    /* Not before now, so that what a timer sets anew cannot overtake what is due. */
    heap_move(&l->timers, &t->node, MAX(at, l->now));
}

void loop_timer_clear(struct loop *l, struct loop_timer *t)
{
    heap_remove(&l->timers, &t->node);
}

/* Those that were due when the turn began; what they set anew waits for the next one. */
static void run_timers(struct loop *l)
{
    uint64_t end = l->timers.next_order;

    for (;;) {
        struct heap_node *n = heap_peek(&l->timers);

        if (!n || n->key > l->now || n->order >= end)
            return;
        heap_remove(&l->timers, n);

        struct loop_timer *t = CONTAINER_OF(n, struct loop_timer, node);

        t->fn(t->arg);
    }
}

/* --- wake-ups and signals -------------------------------------------------------- */

static void on_wakeup(void *arg, uint32_t events)
{
    struct loop_wakeup *w = arg;
    uint64_t n;

    (void)events;
    if (read(w->fd, &n, sizeof(n)) != (ssize_t)sizeof(n))
        return;
    /* Before fn: whoever signals from here on writes again, and fn sees what came before. */
    atomic_exchange(&w->is_pending, false);
    w->fn(w->arg);
}

enum err loop_wakeup_open(struct loop *l, loop_fn *fn, void *arg,
                          struct loop_wakeup **out)
{
    struct loop_wakeup *w = mem_alloc(sizeof(*w));
    enum err e = ERR_IO;

    *w = (struct loop_wakeup){ .loop = l, .fn = fn, .arg = arg };
    w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (w->fd >= 0)
        e = loop_watch(l, w->fd, EPOLLIN, on_wakeup, w, &w->watch);
    if (e) {
        if (w->fd >= 0)
            close(w->fd);
        mem_free(w);
        return e;
    }
    l->n_wakeups++;
    *out = w;
    return OK;
}

void loop_wakeup_close(struct loop_wakeup *w)
{
    if (!w)
        return;
    loop_unwatch(w->loop, w->watch);
    w->loop->n_wakeups--;
    close(w->fd);
    mem_free(w);
}

void loop_wakeup_signal(struct loop_wakeup *w)
{
    int saved = errno;
    uint64_t one = 1;

    /* Fails only when the counter is full, and then a wake-up is on its way. */
    if (!atomic_exchange(&w->is_pending, true) && write(w->fd, &one, sizeof(one)) < 0)
        errno = saved;
}

static void on_signal_fd(void *arg, uint32_t events)
{
    struct loop *l = arg;
    struct signalfd_siginfo info;

    (void)events;
    while (read(l->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        l->on_signal(l->signal_arg, (int)info.ssi_signo);
}

enum err loop_signals(struct loop *l, const sigset_t *set, loop_signal_fn *fn,
                      void *arg)
{
    enum err e;

    BUG_IF(l->signal_fd >= 0);
    if (pthread_sigmask(SIG_BLOCK, set, &l->old_mask) != 0)
        return ERR_INVALID;
    l->signal_fd = signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC);
    l->on_signal = fn;
    l->signal_arg = arg;
    e = l->signal_fd < 0
            ? ERR_IO
            : loop_watch(l, l->signal_fd, EPOLLIN, on_signal_fd, l, &l->signal_watch);
    if (e) {
        if (l->signal_fd >= 0)
            close(l->signal_fd);
        l->signal_fd = -1;
        (void)pthread_sigmask(SIG_SETMASK, &l->old_mask, NULL);
    }
    return e;
}

/* --- the turn --------------------------------------------------------------------- */

static int wait_ms(struct loop *l, int64_t ns)
{
    int64_t ms =
        ns < 0 ? -1 : (ns + NS_PER_MS - 1) / NS_PER_MS; /* up: down would spin */

    return epoll_wait(l->epoll_fd, l->batch, l->n_batch, (int)MIN(ms, (int64_t)INT32_MAX));
}

/* Waits so many ns (below 0: for ever) and gives the number of events, 0 when interrupted. */
static int wait_ns(struct loop *l, int64_t ns)
{
    struct timespec ts = { .tv_sec = (time_t)(ns / NS_PER_S),
                           .tv_nsec = ns % NS_PER_S };
    int n;

    if (ns == 0 || l->lacks_pwait2)
        n = wait_ms(l, ns);
    else
        n = epoll_pwait2(l->epoll_fd, l->batch, l->n_batch, ns < 0 ? NULL : &ts, NULL);
    if (n >= 0)
        return n;
    /* EPERM: filters of containers that do not know the call. */
    if ((errno == ENOSYS || errno == EPERM) && !l->lacks_pwait2) {
        l->lacks_pwait2 = true;
        return wait_ns(l, ns);
    }
    BUG_IF(errno != EINTR);
    return 0;
}

/* As wait_ns until a moment, but when nothing is ready the fake clock jumps there. */
static int wait_fake(struct loop *l, deadline until)
{
    int64_t now = clock_now_ns();
    int n;

    /* A test whose coroutines all wait for each other should not hang. */
    BUG_IF(until == DEADLINE_NEVER && l->n_watches == 0);
    n = wait_ns(l, until == DEADLINE_NEVER ? -1 : 0);
    if (n == 0 && until != DEADLINE_NEVER && until > now)
        clock_fake_advance(until - now);
    return n;
}

static int wait_for_events(struct loop *l, deadline until)
{
    struct heap_node *first = heap_peek(&l->timers);

    if (first)
        until = MIN(until, first->key);
    if (clock_is_fake())
        return wait_fake(l, until);
    if (until == DEADLINE_NEVER)
        return wait_ns(l, -1);
    /* What has passed at this turn's time needs no look at the clock. */
    if (until <= l->now)
        return wait_ns(l, 0);
    return wait_ns(l, MAX(until - clock_now_ns(), INT64_C(0)));
}

static void dispatch(struct loop *l, int n)
{
    l->stats.events += (uint64_t)n;
    for (int i = 0; i < n; i++) {
        struct slot *s = find(l, l->batch[i].data.u64);

        if (s)
            s->fn(s->arg, l->batch[i].events);
    }
}

/*
 * The kernel gives turns to what is ready, but all that it was asked for is the loop's to do now: less the next time
 * where that took long, as handshakes do, and more where there was more and it did not. Whether there may be more now.
 */
static bool adapt_batch(struct loop *l, int n)
{
    if (loop_is_late(l)) {
        l->n_batch = MAX(MIN(n, l->n_batch) / 2, (int)MIN_BATCH);
        return false;
    }
    if (n < l->n_batch)
        return false;
    l->n_batch = MIN(l->n_batch * 2, (int)MAX_BATCH);
    return true;
}

void loop_turn(struct loop *l, deadline wait_until)
{
    int n = wait_for_events(l, wait_until);
    int sum = n;

    l->now = clock_now_ns();
    l->stats.turns++;
    dispatch(l, n);
    while (adapt_batch(l, n) && sum < MAX_EVENTS) {
        n = wait_ns(l, 0);
        sum += n;
        dispatch(l, n);
    }
    run_timers(l);
}

/* --- life ---------------------------------------------------------------------------- */

enum err loop_open(struct loop **out, struct err_note *note)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    struct loop *l;

    if (fd < 0)
        return err_set_errno(note, ERR_IO, errno, "cannot make an epoll descriptor");
    l = mem_alloc(sizeof(*l));
    l->epoll_fd = fd;
    l->signal_fd = -1;
    l->n_batch = 4 * MIN_BATCH;
    l->idle = NO_SLOT;
    l->now = clock_now_ns();
    heap_init(&l->timers);
    *out = l;
    return OK;
}

static void drop_signals(struct loop *l)
{
    struct signalfd_siginfo info;

    while (read(l->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        continue;
}

void loop_close(struct loop *l)
{
    if (!l)
        return;
    if (l->signal_fd >= 0) {
        drop_signals(l); /* lest they kill us when unblocked */
        loop_unwatch(l, l->signal_watch);
        close(l->signal_fd);
        (void)pthread_sigmask(SIG_SETMASK, &l->old_mask, NULL);
    }
    BUG_IF(l->n_watches || l->n_wakeups || l->timers.len);
    heap_clear(&l->timers);
    mem_free(l->slots);
    mem_free(l->owners);
    close(l->epoll_fd);
    mem_free(l);
}

int64_t loop_now(const struct loop *l)
{
    return l->now;
}

void loop_get_stats(const struct loop *l, struct loop_stats *out)
{
    *out = l->stats;
}

void loop_end_step(struct loop *l)
{
    int64_t ns = clock_now_ns() - l->now;

    l->stats.longest_step_ns = MAX(l->stats.longest_step_ns, ns);
    l->stats.slow_steps += ns >= LOOP_SLOW_NS;
}

bool loop_is_late(const struct loop *l)
{
    return clock_now_ns() - l->now >= LOOP_SLICE_NS;
}
