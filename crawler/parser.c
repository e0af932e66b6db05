/* SPDX-License-Identifier: MIT */
#include "crawler/parser.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/mem.h"

#define START_PATIENCE_NS (30 * NS_PER_S)
/* A start takes a hundredth of a second of processor time. libseccomp goes round for ever where its memory runs out. */
#define START_CPU_NS  (10 * NS_PER_S)
#define START_LOOK_NS (1 * NS_PER_S)
#define STOP_PATIENCE_NS  (1 * NS_PER_S)
/* Between the pidfd's word that it is dead and the zygote's report of how. */
#define REPORT_PATIENCE_NS (1 * NS_PER_S)
/* When the loop itself comes this late (a stopped process), the job gets as much time again. */
#define STALL_NS (1 * NS_PER_S)
/* Between two looks at a processor clock whose job is nearly through its share. */
#define CPU_LOOK_NS (5 * NS_PER_MS)
/* Answers, and bytes of them, taken in one go: the loop has other things to do. */
#define ANSWERS_AT_ONCE 32
#define BYTES_AT_ONCE   ((size_t)8 << 20)

static void on_bell(void *arg, uint32_t events);
static void on_pidfd(void *arg, uint32_t events);
static void on_timer(void *arg);

void parser_init(struct parser *p, struct loop *l, const struct parser_events *events,
                 const struct worker_options *o, void *owner)
{
    *p = (struct parser){ .loop = l,
                          .events = events,
                          .options = *o,
                          .owner = owner,
                          .pidfd = -1,
                          .bell_fd = -1,
                          .late_at = DEADLINE_NEVER };
    list_init(&p->jobs);
    loop_timer_init(&p->timer, on_timer, p);
}

/* Everything of this process is given back; the parser can be started again. */
static void clear_process(struct parser *p)
{
    loop_timer_clear(p->loop, &p->timer);
    loop_unwatch(p->loop, p->bell_watch);
    loop_unwatch(p->loop, p->pidfd_watch);
    p->bell_watch = p->pidfd_watch = 0;
    if (p->bell_fd >= 0)
        close(p->bell_fd);
    if (p->pidfd >= 0)
        close(p->pidfd);
    p->bell_fd = p->pidfd = -1;
    channel_close(&p->channel);
    p->pid = 0;
    p->has_cpu_clock = false;
    p->cpu_read_at = 0;
    p->is_dead = false;
    p->late_at = DEADLINE_NEVER;
    p->is_alone = p->is_retiring = false;
    p->state = PARSER_NONE;
}

enum err parser_start(struct parser *p, uint64_t serial, struct err_note *note)
{
    struct worker_options o = p->options;
    enum err e;

    BUG_IF(p->state != PARSER_NONE);
    e = channel_open(&p->channel, &o.channel_fd, note);
    if (e)
        return e;
    p->bell_fd = o.bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (p->bell_fd < 0)
        e = err_set_errno(note, ERR_IO, errno, "no eventfd for a parser");
    if (!e && loop_watch(p->loop, p->bell_fd, EPOLLIN, on_bell, p, &p->bell_watch))
        e = err_set_errno(note, ERR_IO, errno, "cannot watch a parser");
    if (!e)
        e = zygote_order(serial, &o, note);
    close(o.channel_fd); /* mapped here, and duplicated on the way to the worker */
    if (e) {
        clear_process(p);
        return e;
    }
    p->serial = serial;
    p->state = PARSER_STARTING;
    p->n_handed = 0;
    p->hello[0] = '\0';
    p->start_by = clock_after(clock_now_ns(), START_PATIENCE_NS);
    loop_timer_set(p->loop, &p->timer, clock_after(clock_now_ns(), START_LOOK_NS));
    return OK;
}

static void send_kill(struct parser *p)
{
    /* Through the pidfd, so that it never hits a stranger who got the same number. */
    if (p->pidfd >= 0)
        (void)pidfd_send_signal(p->pidfd, SIGKILL, NULL, 0);
    else if (p->pid)
        kill(p->pid, SIGKILL);
}

void parser_kill(struct parser *p, enum parser_cause cause)
{
    if (p->state == PARSER_NONE || p->state == PARSER_ENDING)
        return;
    p->state = PARSER_ENDING;
    p->cause = cause;
    loop_timer_clear(p->loop, &p->timer);
    /* Without a pidfd the kill is sent when the zygote says that the process is there. */
    send_kill(p);
}

void parser_stop(struct parser *p)
{
    if (p->state == PARSER_STARTING) {
        parser_kill(p, PARSER_STOPPED);
    } else if (p->state == PARSER_READY) {
        p->state = PARSER_STOPPING;
        p->cause = PARSER_STOPPED;
        channel_stop(&p->channel);
        loop_timer_set(p->loop, &p->timer,
                       clock_after(clock_now_ns(), STOP_PATIENCE_NS));
    }
}

enum err parser_send(struct parser *p, struct span request)
{
    enum err e = channel_send(&p->channel, request);

    if (!e)
        p->n_handed++;
    return e;
}

int64_t parser_cpu_ns(const struct parser *p)
{
    struct timespec used;

    if (!p->has_cpu_clock || clock_gettime(p->cpu_clock, &used))
        return 0;
    return used.tv_sec * NS_PER_S + used.tv_nsec;
}

/* One thread uses no more processor time than passes, so nothing is missed by waiting for what is left. */
static deadline look_at(const struct parser *p, int64_t now, int64_t cpu_left_ns)
{
    if (!p->cpu_limit_ns)
        return p->late_at;
    return MIN(p->late_at, clock_after(now, MAX(cpu_left_ns, CPU_LOOK_NS)));
}

/*
 * What it has used by now, or a little more: a moment after a look at the clock, which is a system call, what was read
 * and the time since. A job whose share starts there has CPU_LOOK_NS or a hundredth more at the most, and never less.
 */
static int64_t cpu_about_now(struct parser *p)
{
    int64_t now = clock_now_ns();

    if (!p->cpu_read_at || now - p->cpu_read_at >= MIN(CPU_LOOK_NS, p->cpu_share_ns / 100)) {
        p->cpu_read_at = now;
        p->cpu_read_ns = parser_cpu_ns(p);
    }
    return p->cpu_read_ns + (now - p->cpu_read_at);
}

/* From here on the first job's share runs down. */
static void start_counting(struct parser *p)
{
    p->cpu_limit_ns = p->has_cpu_clock ? p->cpu_share_ns : 0;
    if (p->cpu_limit_ns)
        p->cpu_start_ns = cpu_about_now(p);
}

void parser_expect_by(struct parser *p, deadline late_at, int64_t cpu_ns)
{
    bool is_armed = p->late_at != DEADLINE_NEVER;

    p->late_at = late_at;
    p->cpu_share_ns = cpu_ns;
    if (late_at == DEADLINE_NEVER)
        return;
    start_counting(p);
    /* The timer is moved only when it fires: jobs come and go far more often than that. */
    if (!is_armed && p->state == PARSER_READY)
        loop_timer_set(p->loop, &p->timer,
                       look_at(p, loop_now(p->loop), p->cpu_limit_ns));
}

/* Takes answers. False when one of them was a lie. */
static bool take_answers(struct parser *p, size_t max_answers, size_t max_bytes)
{
    size_t bytes = 0;

    for (size_t i = 0; i < max_answers && bytes < max_bytes; i++) {
        struct span shared;
        enum err e = channel_receive(&p->channel, &shared);

        if (e == ERR_NOT_FOUND)
            return true;
        if (e || !p->events->on_answer(p, shared))
            return false;
        bytes += shared.len;
    }
    return true;
}

/* Nothing is sent to it any more; why it died follows from what it was doing, unless we killed it. */
static void note_death(struct parser *p)
{
    if (p->state == PARSER_STARTING)
        p->cause = PARSER_NO_START;
    else if (p->state == PARSER_READY)
        p->cause = PARSER_DIED;
    p->state = PARSER_ENDING;
}

/* It is dead, and how it ended is known as well as it will ever be. */
static void finish(struct parser *p, int exit_code, int signo)
{
    enum channel_state said;

    p->exit_code = exit_code;
    p->signo = signo;
    note_death(p);
    if (p->cause == PARSER_DIED && exit_code == WORKER_EXIT_OUT_OF_MEMORY)
        p->cause = PARSER_NO_MEMORY;
    /* Its last words may still be in the channel. */
    if (p->cause == PARSER_NO_START && p->channel.shared &&
        channel_hello(&p->channel, &said, p->hello))
        p->hello[0] = '\0';
    /* What it had finished before it died counts, but not the word of a liar. */
    if (p->cause != PARSER_LIED && p->cause != PARSER_TERMINATED &&
        p->cause != PARSER_NO_START && !take_answers(p, CHANNEL_SLOTS, SIZE_MAX))
        p->cause = PARSER_LIED;
    clear_process(p);
    p->events->on_gone(p, p->cause);
}

static void take_hello(struct parser *p)
{
    enum channel_state said;

    if (channel_hello(&p->channel, &said, p->hello)) {
        parser_kill(p, PARSER_LIED);
        return;
    }
    if (said == CHANNEL_READY) {
        p->state = PARSER_READY;
        loop_timer_clear(p->loop, &p->timer);
        (void)channel_ask_for_bell(
            &p->channel); /* nothing was sent, so nothing can be there */
        p->events->on_ready(p);
    }
    /* CHANNEL_FAILED: it ends by itself, and the report of that is on its way. */
}

void parser_look(struct parser *p)
{
    uint64_t rings;
    ssize_t n;

    if (p->bell_fd < 0)
        return;
    n = read(p->bell_fd, &rings, sizeof rings);
    (void)n; /* not ringing is fine: somebody looked without being called */
    if (p->state == PARSER_STARTING) {
        take_hello(p);
        return;
    }
    if (p->state != PARSER_READY && p->state != PARSER_STOPPING)
        return;
    if (!take_answers(p, ANSWERS_AT_ONCE, BYTES_AT_ONCE)) {
        parser_kill(p, PARSER_LIED);
        return;
    }
    /* Answers left over, or come since: our own ring brings us back next turn. */
    if (channel_ask_for_bell(&p->channel)) {
        rings = 1;
        n = write(p->bell_fd, &rings, sizeof rings);
        (void)n;
    }
    if (p->late_at == DEADLINE_NEVER)
        channel_trim(&p->channel);
}

static void on_bell(void *arg, uint32_t events)
{
    (void)events;
    mem_ahead(1 * MIB);
    parser_look(arg);
}

static void on_pidfd(void *arg, uint32_t events)
{
    struct parser *p = arg;

    (void)events;
    /* Dead. The zygote says how; should it not, the timer ends the waiting. */
    loop_unwatch(p->loop, p->pidfd_watch);
    p->pidfd_watch = 0;
    p->is_dead = true;
    note_death(p);
    loop_timer_set(p->loop, &p->timer, clock_after(clock_now_ns(), REPORT_PATIENCE_NS));
}

static void on_job_late(struct parser *p)
{
    int64_t now = loop_now(p->loop), cpu_left_ns;

    /* Perhaps the answer is there and we were the slow ones. */
    parser_look(p);
    if (p->state != PARSER_READY || p->late_at == DEADLINE_NEVER)
        return;
    cpu_left_ns = p->cpu_start_ns + p->cpu_limit_ns - parser_cpu_ns(p);
    if (p->cpu_limit_ns && cpu_left_ns <= 0) {
        p->events->on_late(p, PARSER_OVERRAN);
        return;
    }
    if (now > clock_after(p->late_at, STALL_NS)) {
        p->late_at = clock_after(now, STALL_NS);
    } else if (now >= p->late_at) {
        p->events->on_late(p, PARSER_TIMED_OUT);
        return;
    }
    loop_timer_set(p->loop, &p->timer, look_at(p, now, cpu_left_ns));
}

void parser_check_start(struct parser *p)
{
    if (p->state == PARSER_STARTING && (clock_now_ns() >= p->start_by || parser_cpu_ns(p) >= START_CPU_NS))
        parser_kill(p, PARSER_NO_START);
}

static void on_start_late(struct parser *p)
{
    parser_check_start(p);
    if (p->state == PARSER_STARTING)
        loop_timer_set(p->loop, &p->timer, clock_after(loop_now(p->loop), START_LOOK_NS));
}

static void on_timer(void *arg)
{
    struct parser *p = arg;

    if (p->is_dead) { /* for a while, and no report */
        finish(p, -1, 0);
        return;
    }
    switch (p->state) {
    case PARSER_STARTING: on_start_late(p); break;
    case PARSER_STOPPING: parser_kill(p, PARSER_STOPPED); break;
    case PARSER_READY: on_job_late(p); break;
    case PARSER_NONE:
    case PARSER_ENDING: break;
    }
}

static void take_started(struct parser *p, const struct zygote_news *news)
{
    p->pid = news->pid;
    p->pidfd = news->pidfd;
    p->has_cpu_clock = clock_getcpuclockid(p->pid, &p->cpu_clock) == 0;
    /* It may have said hello, and been given a job, before the zygote's word about its id was read. */
    if (p->state == PARSER_READY && p->late_at != DEADLINE_NEVER) {
        start_counting(p);
        loop_timer_set(p->loop, &p->timer,
                       look_at(p, loop_now(p->loop), p->cpu_limit_ns));
    }
    if (p->pidfd >= 0 &&
        loop_watch(p->loop, p->pidfd, EPOLLIN, on_pidfd, p, &p->pidfd_watch))
        p->pidfd_watch = 0; /* the zygote's report alone must do */
    if (p->state == PARSER_ENDING)
        send_kill(p);
}

void parser_on_news(struct parser *p, const struct zygote_news *news)
{
    int status = news->status;

    switch (news->kind) {
    case ZYGOTE_STARTED: take_started(p, news); return;
    case ZYGOTE_EXITED:
        finish(p, WIFEXITED(status) ? WEXITSTATUS(status) : -1,
               WIFSIGNALED(status) ? WTERMSIG(status) : 0);
        return;
    case ZYGOTE_REFUSED:
        clear_process(p);
        snprintf(p->hello, sizeof p->hello, "cannot fork: %s",
                 strerrordesc_np(news->errno_value));
        p->exit_code = -1;
        p->signo = 0;
        p->cause = PARSER_NO_START;
        p->events->on_gone(p, PARSER_NO_START);
        return;
    }
}

void parser_on_zygote_lost(struct parser *p)
{
    if (p->state == PARSER_NONE)
        return;
    send_kill(p);
    finish(p, -1, SIGKILL);
}

bool parser_is_alive(const struct parser *p)
{
    struct pollfd end = { .fd = p->pidfd, .events = POLLIN };

    return p->state == PARSER_READY && (p->pidfd < 0 || poll(&end, 1, 0) == 0);
}

size_t parser_memory_bytes(const struct parser *p)
{
    unsigned long total, resident, shared;
    char path[64], text[128];
    ssize_t n;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/statm", (int)p->pid);
    fd = p->pid ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return 0;
    n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    if (sscanf(text, "%lu %lu %lu", &total, &resident, &shared) != 3 ||
        shared > resident)
        return 0;
    return (resident - shared) * (size_t)sysconf(_SC_PAGESIZE);
}

void parser_describe_end(const struct parser *p, char *out, size_t n)
{
    const char *name = p->signo ? sigdescr_np(p->signo) : NULL;

    if (p->signo)
        snprintf(out, n, "signal %d (%s)", p->signo, name ? name : "unknown");
    else if (p->exit_code >= 0)
        snprintf(out, n, "exit code %d", p->exit_code);
    else
        snprintf(out, n, "an unknown end");
}
