/* SPDX-License-Identifier: MIT */
#include "config/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/io.h"
#include "config/mem.h"

#define MAX_RECORD ((size_t)4096) /* PIPE_BUF: a pipe takes it whole or not at all */
#define STORM_LIMIT 20            /* records of one event a second */
#define STORM_SLOTS 64            /* events watched at once */

/* How often one event came in one second. */
struct storm {
    const char *component, *event; /* literals; event is NULL in a free slot */
    enum log_level level;
    int64_t count;
};

/* The one log sink of the program. */
static struct {
    enum log_level level;
    char *path; /* NULL: standard error */
    int fd;
    void (*sink)(void *arg, enum log_level level, struct span record);
    void *arg;
    uint64_t n_lost; /* records that the sink did not take */
    bool is_torn;    /* the last one went out in part: its line is not ended */
    int64_t second;  /* of the last look at the storms */
    struct storm storms[STORM_SLOTS];
} the_log = { .level = LOG_WARN, .fd = STDERR_FILENO };

void log_set_level(enum log_level level)
{
    the_log.level = level;
}

/* Never through a link of any kind, and never to where a write could wait for somebody. */
static int open_log(const char *path, const char *what, struct err_note *note)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
                  0600);
    const char *why = fd < 0 && errno == ELOOP ? "it is a symbolic link" : NULL;
    struct stat st;

    if (!why && (fd < 0 || fstat(fd, &st))) {
        err_set_errno(note, ERR_IO, errno, "cannot %s the log %s", what, path);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    if (!why && (S_ISREG(st.st_mode) ? st.st_nlink > 1 : !S_ISCHR(st.st_mode)))
        why = S_ISREG(st.st_mode) ? "the file has another name too (a hard link)" : "it is no regular file";
    if (why) {
        err_set(note, ERR_IO, "cannot %s the log %s: %s", what, path, why);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

enum err log_open(const char *path, struct err_note *note)
{
    int fd = open_log(path, "open", note);

    if (fd < 0)
        return ERR_IO;
    if (the_log.path)
        close(the_log.fd);
    mem_free(the_log.path);
    the_log.path = mem_str_copy(span_str(path));
    the_log.fd = fd;
    the_log.is_torn = false;
    return OK;
}

enum err log_reopen(struct err_note *note)
{
    int fd;

    if (!the_log.path)
        return OK;
    fd = open_log(the_log.path, "reopen", note);
    if (fd < 0)
        return ERR_IO;
    close(the_log.fd);
    the_log.fd = fd;
    the_log.is_torn = false;
    return OK;
}

void log_close(void)
{
    if (!the_log.path)
        return;
    close(the_log.fd);
    mem_free(the_log.path);
    the_log.path = NULL;
    the_log.fd = STDERR_FILENO;
}

bool log_has_file(void)
{
    return the_log.path != NULL;
}

void log_set_sink(void (*sink)(void *arg, enum log_level level, struct span record), void *arg)
{
    the_log.sink = sink;
    the_log.arg = arg;
}

/* Invisible, or able to reorder what is around it. */
static bool is_deceptive(uint32_t c)
{
    static const struct {
        uint32_t from, to;
    } ranges[] = {
        { 0x80, 0x9f },       /* C1 controls */
        { 0x061c, 0x061c },   /* Arabic letter mark */
        { 0x200b, 0x200f },   /* zero width, LRM, RLM */
        { 0x2028, 0x202e },   /* line separators, bidi embedding */
        { 0x2060, 0x206f },   /* bidi isolates, invisible operators */
        { 0xfeff, 0xfeff },   /* byte order mark */
        { 0xfff9, 0xfffb },   /* interlinear annotation */
        { 0xe0000, 0xe007f }, /* tags */
    };

    for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
        if (c >= ranges[i].from && c <= ranges[i].to)
            return true;
    return false;
}

/* Bytes of the UTF-8 sequence at p that a terminal may see, or 0 when its first byte must be escaped. */
static size_t safe_sequence(const unsigned char *p, size_t n)
{
    size_t len;
    uint32_t c;

    if (p[0] < 0x80)
        return p[0] >= 0x20 && p[0] != 0x7f;
    len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (len > n || !span_is_utf8(span_make((const char *)p, len)))
        return 0;
    c = p[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++)
        c = c << 6 | (p[i] & 0x3f);
    return is_deceptive(c) ? 0 : len;
}

enum err log_escape(struct buf *out, struct span s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t from = 0, to = 0; /* what is safe and not appended yet */
    enum err e = OK;

    while (!e && to < s.len) {
        size_t n = span_printable(span_skip(s, to));

        n = n ? n : safe_sequence(p + to, s.len - to);
        if (n) {
            to += n;
            continue;
        }
        e = buf_append(out, span_slice(s, from, to));
        if (!e)
            e = buf_printf(out, "\\x%02X", p[to]);
        from = ++to;
    }
    return e ? e : buf_append(out, span_slice(s, from, to));
}

/* All of s in one write call, or not now: a reader that has stopped must not stop us. */
static bool put(struct span s)
{
    ssize_t n;

    if (!io_can_write(the_log.fd, 0))
        return false;
    n = write(the_log.fd, s.ptr, s.len);
    if (n > 0)
        the_log.is_torn = (size_t)n < s.len;
    return n == (ssize_t)s.len;
}

/* A sink that does not take a record costs the record, not the crawl. */
static void emit(enum log_level level, struct span record)
{
    if (the_log.sink)
        the_log.sink(the_log.arg, level, span_make(record.ptr, record.len - 1));
    else if ((the_log.is_torn && !put(SPAN("\n"))) || !put(record))
        the_log.n_lost++;
}

static void write_record(enum log_level level, const char *component, const char *event,
                         struct span message)
{
    static const char *const names[] = { "error", "warn", "info" };
    char when[CLOCK_ISO_SIZE];
    struct buf line;
    enum err e;

    buf_init(&line, MAX_RECORD);
    e = buf_printf(&line, "%s %s %s %s ", clock_format_iso(clock_wall_ms(), when), names[level],
                   component, event);
    if (!e && log_escape(&line, message) == ERR_TOO_LARGE)
        line.len = span_clip_utf8(buf_span(&line), MAX_RECORD - 1).len;
    if (!e && !buf_append_byte(&line, '\n'))
        emit(level, buf_span(&line));
    else
        the_log.n_lost++;
    buf_clear(&line);
}

PRINTF_LIKE(4, 5)
static void write_format(enum log_level level, const char *component, const char *event,
                         const char *fmt, ...)
{
    char text[96];
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    write_record(level, component, event, span_make(text, MIN((size_t)MAX(n, 0), sizeof text - 1)));
}

/* --- storms ------------------------------------------------------------------------------ */

/* Says what was held back and frees the slot. */
static void end_storm(struct storm *s)
{
    if (s->event && s->count > STORM_LIMIT)
        write_format(s->level, s->component, s->event, "%lld more of these were not shown",
                     (long long)(s->count - STORM_LIMIT));
    *s = (struct storm){ 0 };
}

/* The slot of this event: its own, a free one, or else the quietest one's. */
static struct storm *storm_of(const char *component, const char *event)
{
    struct storm *best = &the_log.storms[0];

    for (size_t i = 0; i < STORM_SLOTS; i++) {
        struct storm *s = &the_log.storms[i];

        /* By content: one literal may have several addresses. */
        if (s->event && strcmp(s->event, event) == 0 && strcmp(s->component, component) == 0)
            return s;
        if (best->event && (!s->event || s->count < best->count))
            best = s;
    }
    end_storm(best);
    return best;
}

/* False when this event has come too often this second. */
static bool passes_storm(enum log_level level, const char *component, const char *event)
{
    int64_t second = clock_now_ns() / NS_PER_S;
    struct storm *s;

    for (size_t i = 0; second != the_log.second && i < STORM_SLOTS; i++)
        end_storm(&the_log.storms[i]);
    the_log.second = second;
    s = storm_of(component, event);
    *s = (struct storm){ component, event, level, s->count + 1 };
    return s->count <= STORM_LIMIT;
}

static void tell_losses(void)
{
    uint64_t n = the_log.n_lost;

    if (!n)
        return;
    the_log.n_lost = 0;
    write_format(LOG_WARN, "log", "lost", "%llu records could not be written", (unsigned long long)n);
    if (the_log.n_lost)
        the_log.n_lost = n;
}

void log_flush(void)
{
    for (size_t i = 0; i < STORM_SLOTS; i++)
        end_storm(&the_log.storms[i]);
    tell_losses();
}

PRINTF_LIKE(4, 0)
static void vlog(enum log_level level, const char *component, const char *event, const char *fmt,
                 va_list args)
{
    char message[MAX_RECORD / 2];
    uint64_t n_lost;
    int n;

    if (level > the_log.level || !passes_storm(level, component, event))
        return;
    n = vsnprintf(message, sizeof message, fmt, args);
    if (n < 0)
        return;
    n_lost = the_log.n_lost;
    write_record(level, component, event, span_make(message, MIN((size_t)n, sizeof message - 1)));
    if (the_log.n_lost == n_lost)
        tell_losses();
}

#define DEFINE_LEVEL(function, level)                                                  \
    void function(const char *component, const char *event, const char *fmt, ...)      \
    {                                                                                  \
        va_list args;                                                                  \
                                                                                       \
        va_start(args, fmt);                                                           \
        vlog(level, component, event, fmt, args);                                      \
        va_end(args);                                                                  \
    }

DEFINE_LEVEL(log_error, LOG_ERROR)
DEFINE_LEVEL(log_warn, LOG_WARN)
DEFINE_LEVEL(log_info, LOG_INFO)
