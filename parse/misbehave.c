/* SPDX-License-Identifier: MIT */
#include "parse/misbehave.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "config/mem.h"
#include "parse/wire.h"

/* Offsets into an encoded message; parse/wire.c. */
enum {
    AT_VERSION = 1,
    AT_KIND = 3,
    AT_ID = 4,
    AT_OUTCOME = 12, /* the first byte behind the head */
};

struct deed {
    struct worker_kit *kit;
    struct channel_end *channel;
    const struct job *job;
    uint64_t id;
    struct answer *out;
};

/* Says what came of it; only read when the kernel let us live. */
static bool say(struct deed *d, const char *what, long result)
{
    d->out->bytes = arena_format(&d->kit->tools.mem, "%s: %s", what,
                                 result < 0 ? strerrorname_np(errno) : "done");
    return false;
}

static int64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / NS_PER_MS;
}

/* A true answer in its place, not yet published: for bending. */
static char *prepare(struct deed *d, size_t *out_len)
{
    struct wire_limits limits;
    size_t room;
    char *at = channel_answer_room(d->channel, 64 << 10, &room);

    wire_limits_of(d->job, &limits);
    d->out->page.title = SPAN("a title");
    d->out->bytes = SPAN("some bytes");
    if (!at || wire_encode_answer(d->out, d->id, &limits, at, room, out_len))
        _exit(4);
    return at;
}

/* ---- work of no meaning ---- */

static bool do_echo(struct deed *d)
{
    (void)!worker_body(d->kit, d->job, &d->out->bytes);
    return false;
}

/* Reads every byte and answers in eight: what handing over costs without any parsing. */
static bool do_touch(struct deed *d)
{
    struct span body = SPAN_NONE;
    uint64_t sum = 0;

    (void)!worker_body(d->kit, d->job, &body);
    for (size_t i = 0; i + 8 <= body.len; i += 8) {
        uint64_t word;

        memcpy(&word, body.ptr + i, 8);
        sum += word;
    }
    d->out->bytes =
        arena_copy(&d->kit->tools.mem, span_make((const char *)&sum, sizeof sum));
    return false;
}

static bool do_slow(struct deed *d)
{
    int64_t until = now_ms() + 20;

    while (now_ms() < until)
        ;
    return say(d, "slow", 0);
}

static bool do_who(struct deed *d)
{
    d->out->bytes =
        arena_format(&d->kit->tools.mem, "parser %u pid %d job %llu", d->kit->index + 1,
                     (int)getpid(), (unsigned long long)d->kit->jobs);
    return false;
}

/* ---- ends ---- */

static bool do_crash(struct deed *d)
{
    (void)d;
    __builtin_trap();
}

/* Only a process that has done nothing before survives this. */
static bool do_crash_unless_fresh(struct deed *d)
{
    if (d->kit->jobs > 1)
        __builtin_trap();
    return do_who(d);
}

/* The answer goes out, and then the process dies. */
static bool do_answer_and_crash(struct deed *d)
{
    size_t len;
    char *at = prepare(d, &len);

    channel_answer(d->channel, at, len);
    __builtin_trap();
}

static bool do_stop(struct deed *d)
{
    return say(d, "stop", raise(SIGSTOP));
}

static bool do_hang(struct deed *d)
{
    while (now_ms() >= 0)
        ;
    return say(d, "hang", 0);
}

static bool do_exit(struct deed *d)
{
    (void)d;
    _exit(3);
}

static bool do_exit_clean(struct deed *d)
{
    (void)d;
    _exit(0);
}

static bool do_eat_memory(struct deed *d)
{
    const size_t step = 8 << 20;

    /* mem_alloc ends us when there is no more; where nothing limits us, this does. */
    for (size_t eaten = 0; eaten < (size_t)4 << 30; eaten += step)
        memset(mem_alloc(step), 1, step);
    return say(d, "eat-memory", 0);
}

/* ---- break-outs ---- */

static bool do_open_file(struct deed *d)
{
    return say(d, "open-file", open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static bool do_socket(struct deed *d)
{
    return say(d, "socket", socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static bool do_fork(struct deed *d)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    return say(d, "fork", pid);
}

static bool do_exec(struct deed *d)
{
    char name[] = "/bin/true";
    char *argv[] = { name, NULL };

    return say(d, "exec", execv(name, argv));
}

static bool do_ptrace(struct deed *d)
{
    return say(d, "ptrace", ptrace(PTRACE_ATTACH, getpid() - 1, NULL, NULL));
}

static bool do_kill(struct deed *d)
{
    return say(d, "kill", kill(getppid(), SIGTERM));
}

static bool do_make_writable(struct deed *d)
{
    void *region;

    memcpy(&region, &d->kit->bodies.ptr, sizeof region);
    return say(d, "make-writable", mprotect(region, 4096, PROT_READ | PROT_WRITE));
}

static bool do_write_region(struct deed *d)
{
    volatile char *region;

    memcpy(&region, &d->kit->bodies.ptr, sizeof region);
    region[0] = 'x';
    return say(d, "write-region", 0);
}

/* Both rings, every counter, every request: all that it shares with its parent but the answers. */
static bool do_scribble(struct deed *d)
{
    memset(d->channel->shared, 0xff, 8192 + CHANNEL_REQUEST_BYTES);
    _exit(5);
}

/* ---- lies ---- */

static bool flip(struct deed *d, size_t offset, unsigned char value)
{
    size_t len;
    char *at = prepare(d, &len);

    at[offset] = (char)value;
    channel_answer(d->channel, at, len);
    return true;
}

static bool do_lie_enum(struct deed *d)
{
    return flip(d, AT_OUTCOME, 200);
}

static bool do_lie_version(struct deed *d)
{
    return flip(d, AT_VERSION, 99);
}

static bool do_lie_kind(struct deed *d)
{
    return flip(d, AT_KIND, (unsigned char)((d->job->kind + 1) % N_JOB_KINDS));
}

static bool do_lie_order(struct deed *d)
{
    return flip(d, AT_ID, (unsigned char)(d->id + 1));
}

/* A JOB_PAGE only: its title is no UTF-8. */
static bool do_lie_utf8(struct deed *d)
{
    size_t len;
    char *at = prepare(d, &len);
    size_t title = span_find_span(span_make(at, len), SPAN("a title"));

    if (title < len)
        at[title] = (char)0xff;
    channel_answer(d->channel, at, len);
    return true;
}

static bool do_lie_cut(struct deed *d)
{
    size_t len;
    char *at = prepare(d, &len);

    channel_answer(d->channel, at, len - 1);
    return true;
}

static bool do_lie_longer(struct deed *d)
{
    size_t len;
    char *at = prepare(d, &len);

    channel_answer(d->channel, at, len + 1);
    return true;
}

static bool do_lie_bounds(struct deed *d)
{
    channel_answer_raw(d->channel, UINT64_MAX - 16, 64);
    return true;
}

static bool do_lie_huge(struct deed *d)
{
    channel_answer_raw(d->channel, 4096, CHANNEL_ANSWER_BYTES);
    return true;
}

static bool do_lie_noise(struct deed *d)
{
    channel_answer_raw(d->channel, 0, CHANNEL_ANSWER_BYTES);
    return true;
}

/* More answers than questions. */
static bool do_lie_count(struct deed *d)
{
    size_t len;
    char *at = prepare(d, &len);

    channel_answer(d->channel, at, len);
    for (int i = 0; i < 100; i++)
        channel_answer_raw(d->channel, 0, 16);
    return true;
}

static const struct {
    const char *name;
    bool (*fn)(struct deed *d);
} deeds[] = {
    { "echo", do_echo },
    { "touch", do_touch },
    { "slow", do_slow },
    { "who", do_who },
    { "crash", do_crash },
    { "crash-unless-fresh", do_crash_unless_fresh },
    { "answer-and-crash", do_answer_and_crash },
    { "stop", do_stop },
    { "hang", do_hang },
    { "exit", do_exit },
    { "exit-clean", do_exit_clean },
    { "eat-memory", do_eat_memory },
    { "open-file", do_open_file },
    { "socket", do_socket },
    { "fork", do_fork },
    { "exec", do_exec },
    { "ptrace", do_ptrace },
    { "kill", do_kill },
    { "make-writable", do_make_writable },
    { "write-region", do_write_region },
    { "scribble", do_scribble },
    { "lie-enum", do_lie_enum },
    { "lie-version", do_lie_version },
    { "lie-kind", do_lie_kind },
    { "lie-order", do_lie_order },
    { "lie-utf8", do_lie_utf8 },
    { "lie-cut", do_lie_cut },
    { "lie-longer", do_lie_longer },
    { "lie-bounds", do_lie_bounds },
    { "lie-huge", do_lie_huge },
    { "lie-noise", do_lie_noise },
    { "lie-count", do_lie_count },
};

bool misbehave_do(struct worker_kit *kit, struct channel_end *c, const struct job *job,
                  uint64_t id, struct answer *out)
{
    struct deed d = { kit, c, job, id, out };

    *out = (struct answer){ .kind = job->kind };
    out->robots.crawl_delay_ms = -1;
    for (size_t i = 0; i < ARRAY_LEN(deeds); i++)
        if (span_eq(job->command, span_str(deeds[i].name)))
            return deeds[i].fn(&d);
    out->bytes = SPAN("unknown command");
    return false;
}
