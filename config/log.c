/* SPDX-License-Identifier: MIT */
#include "config/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/mem.h"

#define MAX_RECORD ((size_t)4096)
#define STORM_LIMIT 20          /* records of one event a second */
#define STORM_SLOTS 64          /* events watched at once */

/* How often one event came in the present second. */
struct storm {
    const char *event;
    int64_t second;
    int64_t count;
};

/* The one log sink of the program. */
static struct {
    enum log_level level;
    char *path; /* NULL: standard error */
    int fd;
    void (*sink)(void *arg, enum log_level level, struct span record);
    void *arg;
    uint64_t dropped;
    struct storm storms[STORM_SLOTS];
} the_log = { .level = LOG_WARN, .fd = STDERR_FILENO };

void log_set_level(enum log_level level)
{
    the_log.level = level;
}

enum log_level log_level(void)
{
    return the_log.level;
}

static int open_log(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

enum err log_open(const char *path, struct err_note *note)
{
    int fd = open_log(path);

    if (fd < 0)
        return err_set_errno(note, ERR_IO, errno, "cannot open the log %s", path);
    if (the_log.path)
        close(the_log.fd);
    mem_free(the_log.path);
    the_log.path = mem_str_copy(span_str(path));
    the_log.fd = fd;
    return OK;
}

enum err log_reopen(struct err_note *note)
{
    int fd;

    if (!the_log.path)
        return OK;
    fd = open_log(the_log.path);
    if (fd < 0)
        return err_set_errno(note, ERR_IO, errno, "cannot reopen the log %s", the_log.path);
    close(the_log.fd);
    the_log.fd = fd;
    return OK;
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

/* Bytes of the UTF-8 sequence at p that a terminal may see, or 0 when it must be escaped. */
static size_t safe_sequence(const unsigned char *p, size_t n)
{
    size_t len;
    uint32_t c;

    if (p[0] < 0x80)
        return p[0] >= 0x20 && p[0] != 0x7f;
    len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (len > n || !span_is_utf8(span_make((const char *)p, len)))
        return 0;
    c = len == 2   ? (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f)
        : len == 3 ? (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f)
                   : 0x10000;
    if (c < 0xa0)                       /* C1 controls */
        return 0;
    if (c >= 0x200b && c <= 0x200f)     /* zero width, LRM, RLM */
        return 0;
    if (c >= 0x2028 && c <= 0x202e)     /* line separators, bidi embedding */
        return 0;
    if (c >= 0x2060 && c <= 0x206f)     /* bidi isolates */
        return 0;
    return c == 0xfeff || c == 0x061c ? 0 : len;
}

enum err log_escape(struct buf *out, struct span s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t i = 0;
    enum err e;

    while (i < s.len) {
        size_t n = safe_sequence(p + i, s.len - i);

        if (n) {
            e = buf_append(out, span_make(s.ptr + i, n));
            i += n;
        } else {
            e = buf_printf(out, "\\x%02X", p[i]);
            i++;
        }
        if (e)
            return e;
    }
    return OK;
}

/* One write call a record; a sink that does not take it costs the record, not the crawl. */
static void emit(enum log_level level, struct span record)
{
    if (the_log.sink) {
        the_log.sink(the_log.arg, level, span_make(record.ptr, record.len - 1));
        return;
    }
    if (write(the_log.fd, record.ptr, record.len) != (ssize_t)record.len)
        the_log.dropped++;
}

static void write_record(enum log_level level, const char *component, const char *event,
                         struct span message)
{
    static const char *const names[] = { "error", "warn", "info", "debug" };
    char when[CLOCK_ISO_SIZE];
    struct buf line;
    enum err e;

    buf_init(&line, MAX_RECORD);
    e = buf_printf(&line, "%s %s %s %s ", clock_format_iso(clock_wall_ms(), when), names[level],
                   component, event);
    if (!e && log_escape(&line, message) == ERR_TOO_LARGE)
        line.len = MIN(line.len, MAX_RECORD - 1);
    if (!e && !buf_append_byte(&line, '\n'))
        emit(level, buf_span(&line));
    else
        the_log.dropped++;
    buf_clear(&line);
}

/* False when this event has come too often this second; says so once the second is over. */
static bool passes_storm(enum log_level level, const char *component, const char *event)
{
    struct storm *s = &the_log.storms[(uintptr_t)event / 8 % STORM_SLOTS];
    int64_t second = clock_now_ns() / NS_PER_S;
    char text[64];

    if (s->event != event || s->second != second) {
        if (s->event && s->count > STORM_LIMIT) {
            int n = snprintf(text, sizeof text, "%lld more of these were not shown",
                             (long long)(s->count - STORM_LIMIT));
            write_record(level, component, s->event, span_make(text, (size_t)n));
        }
        *s = (struct storm){ event, second, 0 };
    }
    return ++s->count <= STORM_LIMIT;
}

static void vlog(enum log_level level, const char *component, const char *event, const char *fmt,
                 va_list args)
{
    char message[MAX_RECORD / 2];
    int n;

    if (level > the_log.level || !passes_storm(level, component, event))
        return;
    n = vsnprintf(message, sizeof message, fmt, args);
    if (n < 0)
        return;
    write_record(level, component, event, span_make(message, MIN((size_t)n, sizeof message - 1)));
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
DEFINE_LEVEL(log_debug, LOG_DEBUG)
