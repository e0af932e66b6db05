/* SPDX-License-Identifier: MIT */
#include "crawler/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/io.h"
#include "config/log.h"
#include "config/mem.h"

#define REDRAW_NS   (200 * NS_PER_MS)
#define PLAIN_NS    (10 * NS_PER_S)
#define RATE_WINDOW 25 /* redraws; five seconds on a terminal */
#define MAX_LINE    400

struct progress {
    struct crawl *c;
    struct loop_timer timer;
    bool is_terminal;
    int64_t every_ns;
    /* answered pages and moments of the last redraws, for the rate of the last seconds */
    int64_t pages[RATE_WINDOW], at[RATE_WINDOW];
    size_t n_samples;
};

static void format_bytes(int64_t bytes, char *out, size_t size)
{
    static const char *const units[] = { "B", "KB", "MB", "GB", "TB" };
    double value = (double)bytes;
    size_t unit = 0;

    while (value >= 1000 && unit + 1 < ARRAY_LEN(units)) {
        value /= 1000;
        unit++;
    }
    snprintf(out, size, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

static void format_duration(int64_t s, char *out, size_t size)
{
    if (s >= 3600)
        snprintf(out, size, "%lldh%02lldm", (long long)(s / 3600),
                 (long long)(s / 60 % 60));
    else if (s >= 60)
        snprintf(out, size, "%lldm%02llds", (long long)(s / 60), (long long)(s % 60));
    else
        snprintf(out, size, "%llds", (long long)s);
}

static double recent_rate(struct progress *p, int64_t now)
{
    size_t slot = p->n_samples % RATE_WINDOW, oldest;
    double seconds;

    p->pages[slot] = p->c->counts.answered;
    p->at[slot] = now;
    p->n_samples++;
    oldest = p->n_samples > RATE_WINDOW ? p->n_samples % RATE_WINDOW : 0;
    seconds = (double)(now - p->at[oldest]) / (double)NS_PER_S;
    return seconds > 0 ? (double)(p->c->counts.answered - p->pages[oldest]) / seconds
                       : 0;
}

/* Errors: no complete answer, or 4xx/5xx. */
static int64_t error_count(const struct crawl_counts *n)
{
    int64_t good = n->by_outcome[FETCH_OK] + n->by_outcome[FETCH_REDIRECT] +
                   n->by_outcome[FETCH_NOT_MODIFIED] + n->by_outcome[FETCH_TOO_LARGE];

    return n->requests - good;
}

/* Room for ", about 5m left" when a limit says where the end is. */
static void estimate(const struct crawl *c, double rate, char *out, size_t size)
{
    int64_t left = -1;
    char text[32];

    out[0] = '\0';
    if (c->settings->max_pages >= 0 && rate > 0)
        left = (int64_t)((double)(c->settings->max_pages - c->pages_done) / rate);
    if (c->stop_at != DEADLINE_NEVER) {
        int64_t until_stop = (c->stop_at - loop_now(c->loop)) / NS_PER_S;

        left = left < 0 ? until_stop : MIN(left, until_stop);
    }
    if (left < 0)
        return;
    format_duration(left, text, sizeof text);
    snprintf(out, size, ", about %s left", text);
}

static int format_line(struct progress *p, char *out, size_t size)
{
    const struct crawl *c = p->c;
    struct store_totals totals;
    int64_t now = loop_now(c->loop);
    double rate = recent_rate(p, now);
    char bytes[32], elapsed[32], left[64];

    store_get_totals(c->store, &totals);
    format_bytes(c->counts.bytes, bytes, sizeof bytes);
    format_duration((now - c->started_ns) / NS_PER_S, elapsed, sizeof elapsed);
    estimate(c, rate, left, sizeof left);
    return snprintf(
        out, size,
        "%s%lld pages, %.0f/s, %lld in flight, %lld queued, %lld errors, %s, %s%s",
        c->stop_signal ? "stopping (^C again: at once), " : "",
        (long long)c->counts.answered, rate, (long long)c->in_flight,
        (long long)totals.by_state[STATE_QUEUED], (long long)error_count(&c->counts),
        bytes, elapsed, left);
}

static int terminal_width(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col
                                                                       : 80;
}

/*
 * A reader that is gone, or that has stopped reading, costs the line, not the crawl. A pipe
 * with room takes PIPE_BUF bytes without waiting, and a line is shorter (promise P53).
 */
static bool put(const char *line, size_t n)
{
    return io_can_write(STDERR_FILENO, 0) && write(STDERR_FILENO, line, n) >= 0;
}

/*
 * The length of what fits into width columns: whole parts, as half a number is a wrong one. Two columns stay free,
 * where the terminal shows the ^C that is typed.
 */
static int fitting(const char *line, int n, int width)
{
    int room = MAX(width - 3, 1), end = n;

    while (end > room)
        do
            end--;
        while (end > 0 && line[end] != ',');
    return end > 0 ? end : MIN(n, room);
}

static void draw(void *arg)
{
    struct progress *p = arg;
    char line[MAX_LINE], out[MAX_LINE + 8];
    int n = format_line(p, line, sizeof line);

    if (p->is_terminal)
        n = snprintf(out, sizeof out, "\r%.*s\x1b[K", fitting(line, n, terminal_width()), line);
    else
        n = snprintf(out, sizeof out, "%s\n", line);
    if (!put(out, (size_t)n))
        p->every_ns = PLAIN_NS;
    loop_timer_set(p->c->loop, &p->timer,
                   clock_after(loop_now(p->c->loop), p->every_ns));
}

struct progress *progress_start(struct crawl *c)
{
    const struct settings *s = c->settings;
    const char *term = getenv("TERM");
    bool is_tty = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
    struct progress *p;

    if (s->is_quiet || s->progress == PROGRESS_NONE)
        return NULL;
    p = mem_alloc(sizeof *p);
    p->c = c;
    p->is_terminal =
        s->progress == PROGRESS_TTY || (s->progress == PROGRESS_AUTO && is_tty);
    p->every_ns = p->is_terminal ? REDRAW_NS : PLAIN_NS;
    p->at[0] = loop_now(c->loop);
    p->n_samples = 1;
    loop_timer_init(&p->timer, draw, p);
    loop_timer_set(c->loop, &p->timer, clock_after(loop_now(c->loop), p->every_ns));
    return p;
}

void progress_stop(struct progress *p)
{
    if (!p)
        return;
    loop_timer_clear(p->c->loop, &p->timer);
    if (p->is_terminal)
        (void)put("\r\x1b[K", 4);
    mem_free(p);
}

void progress_log_status(const struct crawl *c)
{
    struct frontier_stats f;
    struct store_totals t;
    struct loop_stats steps;

    frontier_get_stats(c->frontier, &f);
    store_get_totals(c->store, &t);
    loop_get_stats(c->loop, &steps);
    log_warn(
        "crawl", "status",
        "pages=%lld in_flight=%lld answered_uncommitted=%lld queued=%lld hosts=%zu "
        "window=%zu delayed=%zu preparing=%zu store_pending=%zu slow_steps=%llu "
        "longest_step_ms=%.1f",
        (long long)c->counts.answered, (long long)c->in_flight, (long long)c->answered,
        (long long)t.by_state[STATE_QUEUED], f.hosts, f.tickets, f.delayed, f.preparing,
        store_pending(c->store), (unsigned long long)steps.slow_steps,
        (double)steps.longest_step_ns / (double)NS_PER_MS);
}

/* --- the summary -------------------------------------------------------------------------- */

static int64_t sum_states(const struct store_totals *t)
{
    int64_t sum = 0;

    for (size_t i = 0; i < N_URL_STATES; i++)
        sum += t->by_state[i];
    return sum;
}

/* "1,234,567" into out; returns out. */
static const char *grouped(int64_t n, char out[32])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)n);
    size_t at = 0;

    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0 && digits[i - 1] != '-')
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

/* How a number is named: one of it, and any other number. */
struct noun {
    const char *one, *more;
};

/* "label  12 words, 1 word": what is zero is left out, but for the first. */
static void print_counts(const char *label, const struct noun *nouns,
                         const int64_t *counts, size_t n)
{
    char text[32];

    fprintf(stderr, "  %-10s", label);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || counts[i])
            fprintf(stderr, "%s%s %s", i ? ", " : "", grouped(counts[i], text),
                    counts[i] == 1 ? nouns[i].one : nouns[i].more);
    fputc('\n', stderr);
}

static void print_urls(const struct store_totals *t)
{
    static const char *const words[] = { "",       "fetched",  "not modified",
                                         "failed", "excluded", "queued" };
    const int64_t counts[] = { sum_states(t),
                               t->by_state[STATE_FETCHED],
                               t->by_state[STATE_NOT_MODIFIED],
                               t->by_state[STATE_FAILED],
                               t->by_state[STATE_EXCLUDED],
                               t->by_state[STATE_QUEUED] };
    char text[32];

    fprintf(stderr, "  %-10s%s known", "URLs", grouped(counts[0], text));
    for (size_t i = 1, some = 0; i < ARRAY_LEN(counts); i++)
        if (counts[i])
            fprintf(stderr, "%s%s %s", some++ ? ", " : ": ", grouped(counts[i], text),
                    words[i]);
    fputc('\n', stderr);
}

static void print_answers(const struct crawl_counts *n)
{
    static const struct noun nouns[] = { { "ok", "ok" },
                                         { "not modified", "not modified" },
                                         { "redirect", "redirects" },
                                         { "client or server error", "client or server errors" },
                                         { "incomplete", "incomplete" },
                                         { "without an answer", "without an answer" },
                                         { "tried again", "tried again" } };
    int64_t redirects =
        n->by_outcome[FETCH_REDIRECT] + n->by_outcome[FETCH_REDIRECT_LIMIT];
    int64_t whole = n->by_outcome[FETCH_OK] + n->by_outcome[FETCH_NOT_MODIFIED] +
                    redirects + n->http_errors;
    const int64_t counts[] = { n->by_outcome[FETCH_OK],
                               n->by_outcome[FETCH_NOT_MODIFIED],
                               redirects,
                               n->http_errors,
                               n->answered - whole, /* cut, too large, unreadable */
                               n->requests - n->answered,
                               n->retries };

    print_counts("answers", nouns, counts, ARRAY_LEN(counts));
}

void progress_print_summary(const struct crawl *c)
{
    const struct crawl_counts *n = &c->counts;
    struct store_totals t;
    char bytes[32], elapsed[32], db[32], text[32];
    double seconds = (double)(clock_now_ns() - c->started_ns) / (double)NS_PER_S;

    store_get_totals(c->store, &t);
    format_bytes(n->bytes, bytes, sizeof bytes);
    format_bytes(t.db_bytes, db, sizeof db);
    format_duration((int64_t)seconds, elapsed, sizeof elapsed);
    fprintf(stderr, "%s after %s: %s page%s, %s, %.0f pages/s\n",
            c->stop == STOP_FINISHED ? "finished" : "stopped", elapsed,
            grouped(n->answered, text), n->answered == 1 ? "" : "s", bytes,
            seconds > 0 ? (double)n->answered / seconds : 0.0);
    print_answers(n);
    print_urls(&t);
    if (n->not_stored)
        fprintf(stderr, "  %-10s%s more %s made and not stored: the next start makes %s again\n",
                "lost", grouped(n->not_stored, text), n->not_stored == 1 ? "request was" : "requests were",
                n->not_stored == 1 ? "it" : "them");
    if (n->bad_seeds)
        fprintf(stderr, "  %-10s%s %s skipped\n", "seeds", grouped(n->bad_seeds, text),
                n->bad_seeds == 1 ? "line was no URL and was" : "lines were no URLs and were");
    fprintf(stderr, "  %-10s%s, %s\n", "database", c->settings->db, db);
    if (t.by_state[STATE_QUEUED])
        fprintf(stderr, "stopped by %s; the same command%s goes on from here\n", crawl_stop_word(c->stop),
                c->settings->is_fresh ? " without --fresh" : "");
}

enum err progress_summary_json(const struct crawl *c, int exit_code, struct buf *out)
{
    const struct crawl_counts *n = &c->counts;
    struct store_totals t;
    struct fetcher_stats fetched;
    struct loop_stats steps;
    enum err e;

    store_get_totals(c->store, &t);
    fetcher_get_stats(c->fetcher, &fetched);
    loop_get_stats(c->loop, &steps);
    e = buf_printf(
        out,
        "{\"run\":%lld,\"exit_code\":%d,\"stop_reason\":\"%s\",\"seconds\":%.3f,"
        "\"requests\":%lld,\"answered\":%lld,\"http_errors\":%lld,\"retries\":%lld,"
        "\"bytes\":%lld,\"not_stored\":%lld,\"robots_requests\":%lld,\"sitemap_requests\":%lld,"
        "\"parse_failures\":%lld,\"seeds\":%lld,\"bad_seeds\":%lld,"
        "\"loop_steps\":%llu,\"slow_steps\":%llu,\"longest_step_ms\":%.1f,"
        "\"connections_cut\":%llu,"
        "\"outcomes\":{",
        (long long)c->run.id, exit_code, crawl_stop_word(c->stop),
        (double)(clock_now_ns() - c->started_ns) / (double)NS_PER_S,
        (long long)n->requests, (long long)n->answered, (long long)n->http_errors,
        (long long)n->retries, (long long)n->bytes, (long long)n->not_stored, (long long)n->robots_requests,
        (long long)n->sitemap_requests, (long long)n->parse_failures,
        (long long)n->seeds, (long long)n->bad_seeds, (unsigned long long)steps.turns,
        (unsigned long long)steps.slow_steps,
        (double)steps.longest_step_ns / (double)NS_PER_MS,
        (unsigned long long)fetched.cut);
    for (int i = 0, some = 0; !e && i < N_FETCH_OUTCOMES; i++)
        if (n->by_outcome[i])
            e = buf_printf(out, "%s\"%s\":%lld", some++ ? "," : "",
                           result_outcome_name((enum fetch_outcome)i),
                           (long long)n->by_outcome[i]);
    if (!e)
        e = buf_append(out, SPAN("},\"urls\":{"));
    for (int i = 0; !e && i < N_URL_STATES; i++)
        e = buf_printf(out, "%s\"%s\":%lld", i ? "," : "",
                       vocab_state((enum url_state)i), (long long)t.by_state[i]);
    return e ? e : buf_append(out, SPAN("}}"));
}
