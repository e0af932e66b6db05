/* SPDX-License-Identifier: MIT */
/*
 * `make soak`: a long crawl of 10,000 hosts with errors mixed in, stopped for a
 * while (SIGSTOP) and with its wall clock set forward and back. Prints a line a
 * minute, then figures and a verdict; ends with 1 when a promise (P3, P33, P43)
 * was broken. It stops by itself after MINUTES.
 *
 * usage: soak [MINUTES [PAGES [DELAY_MS [HOSTS]]]]   PAGES: how many it must reach, else it is no soak
 *
 * With a pause of five seconds a host, 2,000 requests a second are due, as in a crawl that is polite: the rate says
 * whether the program still keeps up at the end, the CPU time of a request what that costs. With 500 ms
 * it does as much as the machine can.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/mem.h"
#include "tests/kit/faults.h"
#include "tests/kit/nameserver.h"
#include "tests/kit/rig.h"

#define MAX_HOSTS      10000
#define N_GROUPS       60 /* of hosts: one address each */
#define PAGES_OF_ALL   50000000
#define DELAY_MS       5000
#define DAY_NS         (86400 * NS_PER_S)
#define WARM           5 /* the first of so many parts is for warming up */
#define LEAST_GROWTH   ((int64_t)24 * 1024) /* KiB of memory that may always be */

/* What the server's process sees of politeness; shared with it. */
struct seen {
    int64_t delay_ms, n_hosts;
    int64_t asked_at_ns[MAX_HOSTS];
    int64_t n_pages, n_errors, n_early;
    int64_t shortest_gap_ns;
};

struct sample {
    double s; /* since the start */
    int64_t requests, cpu_ms;
    int64_t rss_kib, helpers_kib; /* of the program, of its parser processes together */
    int64_t fds, processes;
};

struct soak {
    struct rig rig;
    struct nameserver *ns;
    struct seen *seen;
    int64_t *wall_off_by_ns; /* what the program is told */
    int64_t minutes, pages;
    int64_t began_ns;
    struct sample *samples;
    size_t n, cap;
    int64_t broken;
};

PRINTF_LIKE(2, 3)

static void blame(struct soak *s, const char *fmt, ...)
{
    va_list args;

    s->broken++;
    printf("BROKEN ");
    va_start(args, fmt);
    (void)vprintf(fmt, args);
    va_end(args);
    printf("\n");
}

/* --- the web ----------------------------------------------------------------------------- */

/* "hN.aM.test": N, or -1. */
static int64_t host_number(const struct origin_request *r)
{
    struct span name = span_str(r->host);
    int64_t n;

    return name.len && name.ptr[0] == 'h' &&
                   span_parse_i64(span_slice(name, 1, span_find(name, '.')), &n) &&
                   n < MAX_HOSTS
               ? n
               : -1;
}

/* The host is asked just now: how long after the last time? */
static void note_request(struct seen *seen, const struct origin_request *r)
{
    int64_t host = host_number(r), before;

    if (host < 0)
        return;
    before = seen->asked_at_ns[host];
    seen->asked_at_ns[host] = r->at_ns;
    if (!before)
        return;
    if (r->at_ns - before < seen->delay_ms * NS_PER_MS)
        seen->n_early++;
    if (!seen->shortest_gap_ns || r->at_ns - before < seen->shortest_gap_ns)
        seen->shortest_gap_ns = r->at_ns - before;
}

static const char WORDS[] =
    "<p>A page of a few hundred words is what most of the web is made of, so these say"
    " something again and again: the crawler asks, the host answers, the parser reads,"
    " the store keeps, and nothing of it may grow with the hours that go by.</p>";

static void make_page(void *arg, const struct origin_request *r, int *io_status,
                      struct buf *out)
{
    static const struct {
        int every;
        const char *path;
    } errors[] = { { 71, "gone" }, { 73, "moved" }, { 79, "cut" },   { 83, "reset" },
                   { 89, "err" },  { 97, "bad" },   { 101, "late" }, { 103, "busy" } };
    struct seen *seen = arg;
    int64_t host = host_number(r), n;
    enum err e;

    note_request(seen, r);
    seen->n_pages++;
    if (host < 0 || !span_parse_i64(span_str(r->path + 2), &n)) {
        *io_status = 404;
        return;
    }
    e = buf_printf(out, "<title>Page %lld of host %lld</title><h1>Page %lld</h1>",
                   (long long)n, (long long)host, (long long)n);
    for (int i = 0; i < 4; i++)
        e |= buf_append(out, span_str(WORDS));
    for (int64_t next = 2 * n + 1; next <= 2 * n + 2 && next < PAGES_OF_ALL / seen->n_hosts; next++)
        e |= buf_printf(out, "<a href=/p%lld>on</a>", (long long)next);
    e |= buf_printf(out, "<a href=/p%lld>back</a>", (long long)(n / 2));
    for (size_t i = 0; i < ARRAY_LEN(errors); i++)
        if ((n + host) % errors[i].every == 0)
            e |=
                buf_printf(out, "<a href=/%s/%lld>x</a>", errors[i].path, (long long)n);
    BUG_IF(e != OK);
}

/* What is noted and answered by the route's status alone. */
static void make_error(void *arg, const struct origin_request *r, int *io_status,
                       struct buf *out)
{
    struct seen *seen = arg;

    (void)io_status;
    note_request(seen, r);
    seen->n_errors++;
    BUG_IF(buf_append(out, SPAN("<title>Something else</title>")) != OK);
}

static const struct origin_step cut[] = {
    { .kind = ORIGIN_SEND,
      .bytes = LIT("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
                   "Content-Length: 900\r\n\r\n<title>Half") },
    { .kind = ORIGIN_CLOSE },
};
static const struct origin_step reset[] = { { .kind = ORIGIN_RESET } };

/* --- looking at the program ---------------------------------------------------------------- */

static size_t read_proc(int pid, const char *what, char *out, size_t size)
{
    char path[64];
    ssize_t n = -1;
    int fd;

    (void)snprintf(path, sizeof path, "/proc/%d/%s", pid, what);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, out, size - 1);
        close(fd);
    }
    out[MAX(n, 0)] = '\0';
    return (size_t)MAX(n, 0);
}

/* The nth field of /proc/PID/stat behind the name; 1 is the state. */
static int64_t stat_field(int pid, int nth)
{
    char text[1024];
    struct span rest, word = SPAN_NONE;
    int64_t value;
    char *end;

    (void)read_proc(pid, "stat", text, sizeof text);
    end = strrchr(text, ')');
    rest = end ? span_str(end + 1) : SPAN_NONE;
    for (int i = 0; i < nth; i++)
        if (!span_token(&rest, &word))
            return -1;
    return span_parse_i64(word, &value) ? value : -1;
}

#define STAT_PARENT 2
#define STAT_UTIME  12
#define STAT_RSS    22

static int64_t count_fds(int pid)
{
    char path[64];
    int64_t n = -2; /* . and .. */
    DIR *d;

    (void)snprintf(path, sizeof path, "/proc/%d/fd", pid);
    d = opendir(path);
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

static void look_at_helpers(int pid, struct sample *out)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;

    while ((entry = readdir(proc)) != NULL) {
        int64_t id, parent;

        if (!span_parse_i64(span_str(entry->d_name), &id))
            continue;
        parent = stat_field((int)id, STAT_PARENT);
        if (parent != pid &&
            (parent <= 0 || stat_field((int)parent, STAT_PARENT) != pid))
            continue;
        out->processes++;
        out->helpers_kib += stat_field((int)id, STAT_RSS) * 4;
    }
    closedir(proc);
}

static void take_sample(struct soak *s)
{
    int pid = s->rig.p.pid;
    int64_t ticks = stat_field(pid, STAT_UTIME) + stat_field(pid, STAT_UTIME + 1);
    struct sample *now;

    if (s->n == s->cap)
        return;
    now = &s->samples[s->n++];
    *now = (struct sample){
        .s = (double)(clock_now_ns() - s->began_ns) / (double)NS_PER_S,
        .requests = (int64_t)origin_counts(s->rig.o).requests,
        .cpu_ms = ticks * 1000 / sysconf(_SC_CLK_TCK),
        .rss_kib = stat_field(pid, STAT_RSS) * 4,
        .fds = count_fds(pid),
    };
    look_at_helpers(pid, now);
}

static void print_sample(const struct soak *s)
{
    const struct sample *x = &s->samples[s->n - 1];

    printf("%5.0f s  %8lld requests  %6lld MiB, parsers %5lld MiB  %5lld descriptors"
           "  %lld processes\n",
           x->s, (long long)x->requests, (long long)x->rss_kib / 1024,
           (long long)x->helpers_kib / 1024, (long long)x->fds,
           (long long)x->processes);
    fflush(stdout);
}

/* --- what happens to it ----------------------------------------------------------------------- */

static bool is_running(struct soak *s)
{
    siginfo_t info = { .si_pid = 0 };

    return waitid(P_PID, (id_t)s->rig.p.pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
}

static void say(const char *what)
{
    printf("        %s\n", what);
    fflush(stdout);
}

/* A minute, or a twentieth of a short run. */
static void suspend(struct soak *s)
{
    unsigned seconds = (unsigned)MIN(s->minutes * 60 / 20, INT64_C(60));

    say("suspended (SIGSTOP)");
    program_signal(&s->rig.p, SIGSTOP);
    sleep(seconds);
    program_signal(&s->rig.p, SIGCONT);
    say("goes on");
}

static void disturb(struct soak *s, double share, int *stage)
{
    static const double at[] = { 0.35, 0.45, 0.55, 0.65 };

    if (*stage >= (int)ARRAY_LEN(at) || share < at[*stage])
        return;
    switch ((*stage)++) {
    case 0: suspend(s); break;
    case 1:
        say("the wall clock is set a day forward");
        *s->wall_off_by_ns = DAY_NS;
        break;
    case 2:
        say("the wall clock is set two days back");
        *s->wall_off_by_ns = -DAY_NS;
        break;
    default: say("the wall clock is right again"); *s->wall_off_by_ns = 0;
    }
}

static void watch(struct soak *s)
{
    double whole = (double)(s->minutes * 60);
    int stage = 0;

    while (is_running(s)) {
        take_sample(s);
        if (s->n % 60 == 1)
            print_sample(s);
        disturb(s, s->samples[s->n - 1].s / whole, &stage);
        sleep(1);
    }
}

/* --- judging ---------------------------------------------------------------------------------- */

/* Requests a second and CPU milliseconds a request between two shares of the run. */
static void pace(const struct soak *s, double from, double to, double *rate,
                 double *cpu_ms)
{
    const struct sample *a = &s->samples[(size_t)(from * (double)(s->n - 1))];
    const struct sample *b = &s->samples[(size_t)(to * (double)(s->n - 1))];
    double n = (double)MAX(b->requests - a->requests, INT64_C(1));

    *rate = n / MAX(b->s - a->s, 0.001);
    *cpu_ms = (double)(b->cpu_ms - a->cpu_ms) / n;
}

/* Least squares: KiB a second after the warm-up. */
static double slope_of_memory(const struct soak *s)
{
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;

    for (size_t i = s->n / WARM; i < s->n; i++) {
        double x = s->samples[i].s, y = (double)s->samples[i].rss_kib;

        n++;
        sx += x;
        sy += y;
        sxx += x * x;
        sxy += x * y;
    }
    return n > 2 ? (n * sxy - sx * sy) / (n * sxx - sx * sx) : 0;
}

static double mean_fds(const struct soak *s, double from, double to)
{
    size_t a = (size_t)(from * (double)s->n), b = (size_t)(to * (double)s->n);
    double sum = 0;

    for (size_t i = a; i < b; i++)
        sum += (double)s->samples[i].fds;
    return sum / (double)MAX(b - a, (size_t)1);
}

static void judge_memory(struct soak *s)
{
    double slope = slope_of_memory(s);
    const struct sample *last = &s->samples[s->n - 1];
    const struct sample *warm = &s->samples[s->n / WARM];
    double growth = slope * (last->s - warm->s);

    printf(
        "memory after warm-up %lld MiB, at the end %lld MiB, slope %.2f MiB an hour\n",
        (long long)warm->rss_kib / 1024, (long long)last->rss_kib / 1024,
        slope * 3600 / 1024);
    if (growth > (double)MAX(LEAST_GROWTH, warm->rss_kib / 10))
        blame(s, "memory grew by %.1f MiB after the warm-up", growth / 1024);
}

static void judge_numbers(struct soak *s)
{
    double early = mean_fds(s, 0.2, 0.3), late = mean_fds(s, 0.9, 1.0);
    int64_t least = INT64_MAX, most = 0;

    for (size_t i = s->n / WARM; i + 3 < s->n; i++) {
        least = MIN(least, s->samples[i].processes);
        most = MAX(most, s->samples[i].processes);
    }
    printf("descriptors %.0f early, %.0f late; processes %lld to %lld\n", early, late,
           (long long)least, (long long)most);
    if (late > early * 1.2 + 50)
        blame(s, "descriptors grew from %.0f to %.0f", early, late);
    if (most - least > 1)
        blame(s, "the number of processes was between %lld and %lld", (long long)least,
              (long long)most);
}

static void judge_pace(struct soak *s)
{
    double rate1, rate2, cpu1, cpu2;

    pace(s, 0.03, 0.13, &rate1, &cpu1); /* not the start itself */
    pace(s, 0.88, 0.98, &rate2, &cpu2); /* nor the end */
    printf("first tenth %.0f requests/s, %.3f ms CPU each; last tenth %.0f requests/s,"
           " %.3f ms CPU each: %.0f %%\n",
           rate1, cpu1, rate2, cpu2, 100 * rate2 / rate1);
    if (rate2 < 0.9 * rate1 && cpu2 > 1.11 * cpu1)
        blame(s, "it became slower: %.0f requests/s, then %.0f", rate1, rate2);
    else if (rate2 < 0.9 * rate1)
        say("slower, though not by its own work: the machine was busy otherwise");
}

static void judge_file(struct soak *s)
{
    struct program *p = &s->rig.p;
    int64_t pages =
        program_number(p, "SELECT count(*) FROM urls WHERE state = 'fetched'");

    if (program_run(p, ARGS{ "verify", NULL }) != 0)
        blame(s, "crawl verify: %.*s%.*s", SPAN_ARG(buf_span(&p->out)),
              SPAN_ARG(buf_span(&p->err)));
    printf("pages in the file %lld of the %lld asked for, hosts reached %lld,"
           " failures %lld\n",
           (long long)pages, (long long)s->pages,
           (long long)program_number(p, "SELECT count(*) FROM hosts WHERE pages > 0"),
           (long long)program_number(
               p, "SELECT count(*) FROM fetches WHERE outcome NOT IN ('ok')"));
    if (pages < s->pages)
        blame(s, "too short: %lld pages", (long long)pages);
}

static void judge(struct soak *s)
{
    printf("requests for pages %lld, for errors %lld; asked too early %lld times,"
           " shortest pause of a host %.1f ms of %lld ms\n",
           (long long)s->seen->n_pages, (long long)s->seen->n_errors,
           (long long)s->seen->n_early, (double)s->seen->shortest_gap_ns / 1e6,
           (long long)s->seen->delay_ms);
    if (s->seen->n_early)
        blame(s, "a host was asked too early %lld times", (long long)s->seen->n_early);
    if (s->n < 30) {
        blame(s, "it ran for %zu samples only", s->n);
        return;
    }
    judge_memory(s);
    judge_numbers(s);
    judge_pace(s);
    judge_file(s);
}

/* --- all of it --------------------------------------------------------------------------------- */

static void *share(size_t n)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    BUG_IF(p == MAP_FAILED);
    return p;
}

static struct nameserver *start_names(void)
{
    static struct nameserver_record records[N_GROUPS];
    static char names[N_GROUPS][24], addresses[N_GROUPS][16];

    for (int i = 0; i < N_GROUPS; i++) {
        (void)snprintf(names[i], sizeof names[i], "*.a%d.test", i);
        (void)snprintf(addresses[i], sizeof addresses[i], "127.0.0.%d", i + 1);
        records[i] = (struct nameserver_record){ .name = names[i],
                                                 .addresses = addresses[i],
                                                 .ttl_s = 3600 };
    }
    return nameserver_start(records, N_GROUPS);
}

static void map_clock(struct soak *s)
{
    static const int64_t zero;
    int fd;

    program_write(&s->rig.p, "clock", span_make((const char *)&zero, sizeof zero));
    fd = open(program_path(&s->rig.p, "clock"), O_RDWR | O_CLOEXEC);
    s->wall_off_by_ns =
        mmap(NULL, sizeof zero, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    BUG_IF(s->wall_off_by_ns == MAP_FAILED);
    close(fd);
}

static void open_web(struct soak *s)
{
    struct origin_route routes[] = {
        { .path = "/p*", .headers = HTML, .generate = make_page, .arg = s->seen },
        { .path = "/robots.txt", .status = 404 },
        { .path = "/moved/*",
          .status = 302,
          .headers = "Location: /p1\r\n",
          .generate = make_error,
          .arg = s->seen },
        { .path = "/cut/*", .script = cut, .n_steps = 2 },
        { .path = "/reset/*", .script = reset, .n_steps = 1 },
        { .path = "/err/*", .status = 500, .generate = make_error, .arg = s->seen },
        { .path = "/busy/*",
          .status = 503,
          .headers = "Retry-After: 2\r\n",
          .generate = make_error,
          .arg = s->seen },
        { .path = "/bad/*",
          .headers = HTML "Content-Encoding: gzip\r\n",
          .generate = make_error,
          .arg = s->seen },
        { .path = "/late/*", .headers = HTML, .body = PAGE, .delay_ms = 800 },
    };
    struct origin_options options = { .routes = routes,
                                      .n_routes = ARRAY_LEN(routes),
                                      .n_addresses = N_GROUPS,
                                      .max_log = 1 };
    struct buf seeds;

    buf_init(&seeds, (size_t)2 * MIB);
    for (int i = 0; i < s->seen->n_hosts; i++)
        BUG_IF(buf_printf(&seeds, "http://h%d.a%d.test:$PORT/p0\n", i, i % N_GROUPS) !=
               OK);
    BUG_IF(buf_append_byte(&seeds, '\0') != OK);
    rig_open(&s->rig, &options, seeds.ptr);
    buf_clear(&seeds);
    s->ns = start_names();
    map_clock(s);
}

static void crawl(struct soak *s)
{
    char minutes[32], delay[32];

    (void)snprintf(minutes, sizeof minutes, "%lldm", (long long)s->minutes);
    (void)snprintf(delay, sizeof delay, "%lldms", (long long)s->seen->delay_ms);
    faults_load(NULL, program_path(&s->rig.p, "clock"));
    program_start(&s->rig.p, ARGS{ "--allow-net", "127.0.0.0/8", "--dns",
                                   nameserver_text(s->ns), "--progress", "none", "-q",
                                   "--delay", delay, "--max-time", minutes, "--per-ip",
                                   "64", "--retries", "1", "seeds.txt", NULL });
    faults_unload();
    s->began_ns = clock_now_ns();
    watch(s);
    if (program_wait(&s->rig.p) != 5 && s->rig.p.exit_code != 0)
        blame(s, "ended with %d: %.*s", s->rig.p.exit_code,
              SPAN_ARG(buf_span(&s->rig.p.err)));
}

static int64_t argument(int argc, char **argv, int i, int64_t fallback)
{
    int64_t n;

    return i < argc && span_parse_i64(span_str(argv[i]), &n) && n > 0 ? n : fallback;
}

int main(int argc, char **argv)
{
    struct soak s = { .minutes = argument(argc, argv, 1, 60),
                      .pages = argument(argc, argv, 2, 1000000) };

    s.cap = (size_t)s.minutes * 60 * 2 + 600;
    s.samples = mem_array(s.cap, sizeof *s.samples);
    s.seen = share(sizeof *s.seen);
    s.seen->delay_ms = argument(argc, argv, 3, DELAY_MS);
    s.seen->n_hosts = MIN(argument(argc, argv, 4, MAX_HOSTS), MAX_HOSTS);
    open_web(&s);
    s.rig.p.patience_ms = (s.minutes + 60) * 60000;
    crawl(&s);
    judge(&s);
    rig_close(&s.rig);
    nameserver_stop(s.ns);
    mem_free(s.samples);
    printf("%s\n", s.broken ? "PROMISES BROKEN" : "all promises kept");
    return s.broken ? 1 : 0;
}
