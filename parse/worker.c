/* SPDX-License-Identifier: MIT */
#include "parse/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "config/mem.h"
#include "parse/channel.h"
#include "parse/inspect.h"
#include "parse/intake.h"
#include "parse/misbehave.h"
#include "parse/page.h"
#include "parse/sandbox.h"
#include "parse/wire.h"

#define BELL_FD 3
/* Arena and buffers stop at half of the memory limit; libraries need the rest. */
#define ARENA_SHARE 2
/* What an answer takes beside its texts, guessed high: encoding twice is dearer. */
#define ANSWER_SLACK ((size_t)256 << 10)
/* malloc keeps its memory between pages; whoever grows is recycled anyway. */
#define MALLOC_KEEP_BYTES (32 << 20)
#define MALLOC_MMAP_BYTES (8 << 20)

/* Sanitizers make system calls of their own and map terabytes. Both stay NULL without them. */
extern void __asan_init(void) __attribute__((weak));
extern void __tsan_init(void) __attribute__((weak));

static bool is_sanitized(void)
{
    return __asan_init != NULL || __tsan_init != NULL;
}

/* ---- jobs ---- */

static enum err in_region(const struct worker_kit *kit, uint64_t offset, uint64_t len,
                          struct span *out)
{
    if (offset > kit->bodies.len || len > kit->bodies.len - offset)
        return ERR_INVALID;
    *out = span_make(kit->bodies.ptr + offset, (size_t)len);
    return OK;
}

enum err worker_body(const struct worker_kit *kit, const struct job *job,
                     struct span *out)
{
    if (job->region_len)
        return in_region(kit, job->region_offset, job->region_len, out);
    *out = job->inline_body;
    return OK;
}

/* The dictionary that the job names, or none. */
static enum err take_dictionary(struct worker_kit *kit, const struct job *job)
{
    struct span bytes = job->inline_dictionary;
    enum err e = OK;

    if (job->dictionary_len)
        e = in_region(kit, job->dictionary_offset, job->dictionary_len, &bytes);
    pack_set_dictionary(kit->tools.pack, e ? 0 : job->dictionary_id, bytes);
    return e;
}

enum err worker_do(struct worker_kit *kit, const struct job *job, struct answer *out)
{
    struct toolbox *t = &kit->tools;
    struct job page = *job;
    struct span body;
    enum err e = worker_body(kit, job, &body);

    *out = (struct answer){ .kind = job->kind };
    /* Pages go round: when one parser has seen enough all have, and the work of the others were for nothing. */
    page.wants_dictionary = job->wants_dictionary && kit->index == 0;
    if (!e)
        e = take_dictionary(kit, job);
    if (e)
        return e;
    switch ((enum job_kind)job->kind) {
    case JOB_PAGE: return page_parse(t, &page, body, &out->page);
    case JOB_ROBOTS: return intake_robots(t, job, body, out);
    case JOB_SITEMAP: return intake_sitemap(t, job, body, out);
    case JOB_TEXT: return intake_page_text(t, job, body, out);
    case JOB_UNPACK: return intake_unpack(t, job, body, out);
    case JOB_INSPECT: return inspect_run(t, job->command, body, &out->bytes);
    case JOB_MISBEHAVE:
    case N_JOB_KINDS: break;
    }
    return ERR_INVALID;
}

/* ---- answers ---- */

/* What could not be done is said in the answer's own words. */
static void refuse(struct answer *a)
{
    if (a->kind == JOB_PAGE)
        a->page.outcome = PARSE_REFUSED;
    else if (a->decode == DECODE_OK)
        a->decode = DECODE_TOO_LARGE;
}

static size_t guess_size(const struct answer *a)
{
    return ANSWER_SLACK + a->page.text.len + a->page.body.len + a->page.facts_json.len +
           a->robots_text.len + a->bytes.len;
}

static void send_answer(struct channel_end *c, const struct answer *a, uint64_t id,
                        const struct wire_limits *limits)
{
    size_t room, len;
    char *at = channel_answer_room(c, guess_size(a), &room);

    if (at && !wire_encode_answer(a, id, limits, at, room, &len)) {
        channel_answer(c, at, len);
        return;
    }
    /* With the whole region to itself it fits, or is cut until it does. */
    channel_wait_taken(c);
    at = channel_answer_room(c, 1, &room);
    BUG_IF(!at);
    if (wire_encode_answer(a, id, limits, at, room, &len) &&
        wire_encode_cut_answer(a, id, limits, at, room, &len))
        _exit(WORKER_EXIT_OUT_OF_MEMORY);
    channel_answer(c, at, len);
}

/* ---- the process ---- */

NORETURN static void on_out_of_memory(void)
{
    _exit(WORKER_EXIT_OUT_OF_MEMORY);
}

static void do_request(struct worker_kit *kit, struct channel_end *c,
                       struct span request)
{
    struct job job;
    struct answer answer = { 0 };
    struct wire_limits limits;
    uint64_t id;
    enum err e;

    BUG_IF(wire_decode_job(request, &job, &id)); /* the parent does not lie to us */
    toolbox_reset(&kit->tools);
    mem_ahead(512 * KIB);
    kit->jobs++;
    wire_limits_of(&job, &limits);
    if (kit->may_misbehave && job.command.len && job.kind != JOB_INSPECT) {
        if (misbehave_do(kit, c, &job, id, &answer))
            return;
        e = OK;
    } else {
        e = worker_do(kit, &job, &answer);
    }
    if (e == ERR_NO_MEMORY)
        on_out_of_memory();
    if (e)
        refuse(&answer);
    send_answer(c, &answer, id, &limits);
}

static void set_name(uint32_t index, struct span title)
{
    char name[32];
    char *at;

    snprintf(name, sizeof name, "crawl: parser %u", index + 1);
    prctl(PR_SET_NAME, name);
    memcpy(&at, &title.ptr,
           sizeof at); /* our own argv: writable, whatever the span says */
    memset(at, 0, title.len);
    memcpy(at, name, MIN(strlen(name), title.len));
}

/* The kernel takes a parser first when memory is short: it is replaced at no loss. */
static void offer_to_oom_killer(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return;
    n = write(fd, "500", 3);
    (void)n;
    close(fd);
}

static enum err map_bodies(const struct worker_options *o, struct span *out,
                           struct err_note *note)
{
    void *map;

    *out = SPAN_NONE;
    if (o->bodies_fd < 0)
        return OK;
    map = mmap(NULL, (size_t)o->bodies_bytes, PROT_READ, MAP_SHARED, o->bodies_fd, 0);
    if (map == MAP_FAILED)
        return err_set_errno(note, ERR_IO, errno, "cannot map the body region");
    *out = span_make(map, (size_t)o->bodies_bytes);
    return OK;
}

/* Keeps 0 to 2 (/dev/null) and the bell. Standard error stays the parent's only when unprotected. */
static void keep_bell_only(const struct worker_options *o)
{
    if (o->bell_fd != BELL_FD)
        dup2(o->bell_fd, BELL_FD);
    close_range(BELL_FD + 1, ~0U, 0);
    if (!o->has_no_sandbox && !is_sanitized())
        dup2(STDIN_FILENO, STDERR_FILENO);
}

static enum err lock_in(const struct worker_options *o, char text[SANDBOX_TEXT_SIZE],
                        struct err_note *note)
{
    struct sandbox_limits limits = {
        .memory_bytes = is_sanitized() ? 0 : o->memory_bytes,
        .is_seccomp_off = is_sanitized(),
    };
    struct sandbox_report report = { 0 };
    enum err e = o->has_no_sandbox ? OK : sandbox_enter(&limits, &report, note);

    if (!e)
        sandbox_format(&report, text);
    return e;
}

static enum err set_up(const struct worker_options *o, struct channel_end *c,
                       struct worker_kit *kit, struct err_note *note)
{
    enum err e = toolbox_open((size_t)o->memory_bytes / ARENA_SHARE, &kit->tools);

    if (e)
        return err_set(note, e, "cannot set up the parsing libraries: %s", err_text(e));
    mallopt(M_MMAP_THRESHOLD, MALLOC_MMAP_BYTES);
    mallopt(M_TRIM_THRESHOLD, MALLOC_KEEP_BYTES);
    mem_set_oom_hook(on_out_of_memory);
    kit->index = o->index;
    kit->may_misbehave = o->may_misbehave;
    e = map_bodies(o, &kit->bodies, note);
    if (e)
        return e;
    offer_to_oom_killer();
    keep_bell_only(o);
    c->bell_fd = BELL_FD;
    return OK;
}

void worker_warm_up(void)
{
    struct toolbox t;

    /* With a fixed zone the C library never looks at the time zone file again. */
    setenv("TZ", "UTC0", 1);
    tzset();
    inspect_warm_up();
    if (toolbox_open(64 << 20, &t))
        return; /* each worker will say so itself */
    toolbox_warm_up(&t);
    toolbox_close(&t);
}

NORETURN void worker_main(const struct worker_options *o, struct span title)
{
    struct channel_end c;
    struct worker_kit kit = { 0 };
    struct err_note note = { 0 };
    char protection[SANDBOX_TEXT_SIZE];
    struct span request;
    enum err e;

    set_name(o->index, title);
    if (channel_attach(&c, o->channel_fd, o->bell_fd, &note))
        _exit(WORKER_EXIT_NO_START);
    e = set_up(o, &c, &kit, &note);
    if (!e)
        e = lock_in(o, protection, &note);
    if (e) {
        channel_greet(&c, CHANNEL_VERSION, CHANNEL_FAILED, note.text);
        _exit(WORKER_EXIT_NO_START);
    }
    channel_greet(&c, CHANNEL_VERSION, CHANNEL_READY, protection);
    while (channel_next(&c, &request))
        do_request(&kit, &c, request);
    _exit(WORKER_EXIT_OK);
}
