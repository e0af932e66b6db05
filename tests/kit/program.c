/* SPDX-License-Identifier: MIT */
#include "tests/kit/program.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <seccomp.h>
#include <sqlite3.h>

#include "config/clock.h"
#include "config/io.h"

#define MAX_OUTPUT ((size_t)64 * MIB)
#define MAX_RUN_MS (60 * 1000)
#define MAX_ARGS   256

#define MUST(cond)                                                            \
    do {                                                                      \
        if (!(cond)) {                                                        \
            fprintf(stderr, "kit/program: %s failed at line %d: %s\n", #cond, \
                    __LINE__, strerror(errno));                               \
            abort();                                                          \
        }                                                                     \
    } while (0)

/* build/MODE/crawl, seen from build/MODE/tests/x/test_y. */
static void find_program(char *out, size_t size)
{
    char self[512];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    char *end;

    MUST(n > 0);
    self[n] = '\0';
    end = strstr(self, "/tests/");
    MUST(end);
    *end = '\0';
    MUST(snprintf(out, size, "%s/crawl", self) < (int)size);
}

void program_open(struct program *p)
{
    const char *below = getenv("TMPDIR");

    *p = (struct program){ .folder = "" };
    MUST(snprintf(p->folder, sizeof p->folder, "%s/crawl-test-XXXXXX",
                  below ? below : "/tmp") < (int)sizeof p->folder);
    MUST(mkdtemp(p->folder));
    buf_init(&p->out, MAX_OUTPUT);
    buf_init(&p->err, MAX_OUTPUT);
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

void program_close(struct program *p)
{
    if (p->pid) {
        program_signal(p, SIGKILL);
        program_wait(p);
    }
    nftw(p->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    buf_clear(&p->out);
    buf_clear(&p->err);
}

const char *program_path(struct program *p, const char *name)
{
    static char paths[3][256];
    static size_t next;
    char *path = paths[next++ % 3];

    MUST(snprintf(path, sizeof paths[0], "%s/%s", p->folder, name) <
         (int)sizeof paths[0]);
    return path;
}

void program_write(struct program *p, const char *name, struct span text)
{
    struct err_note note;

    MUST(io_replace_file(program_path(p, name), text, &note) == OK);
}

static int open_output(struct program *p, const char *name)
{
    int fd =
        open(program_path(p, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    MUST(fd >= 0);
    return fd;
}

static void take_call_away(int number)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

    MUST(filter);
    MUST(!seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), number, 0));
    MUST(!seccomp_load(filter));
    seccomp_release(filter);
}

/* In the child: what the test wants this run to live with. */
static void burden(const struct program *p)
{
    struct rlimit files = { (rlim_t)p->max_files, (rlim_t)p->max_files },
                  memory = { (rlim_t)p->max_memory, (rlim_t)p->max_memory };

    if (p->max_files)
        MUST(setrlimit(RLIMIT_NOFILE, &files) == 0);
    if (p->max_memory)
        MUST(setrlimit(RLIMIT_AS, &memory) == 0);
    if (p->missing_call)
        take_call_away(p->missing_call);
    if (p->is_bare) {
        clearenv();
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
            close(fd);
    }
}

void program_start(struct program *p, const char *const *args)
{
    char path[600];
    const char *argv[MAX_ARGS + 1] = { "crawl" };
    size_t n = 1;
    int out, err;

    find_program(path, sizeof path);
    while (args[n - 1]) {
        MUST(n + 1 < ARRAY_LEN(argv));
        argv[n] = args[n - 1];
        n++;
    }
    out = open_output(p, "stdout"); /* before the fork: it may be killed at once */
    err = open_output(p, "stderr");
    p->pid = fork();
    MUST(p->pid >= 0);
    if (p->pid) {
        close(out);
        close(err);
        return;
    }
    MUST(dup2(p->output_fd ? p->output_fd : out, STDOUT_FILENO) == STDOUT_FILENO);
    MUST(dup2(p->error_fd ? p->error_fd : err, STDERR_FILENO) == STDERR_FILENO);
    for (int fd = STDIN_FILENO; p->terminal_fd && fd <= STDERR_FILENO; fd++)
        MUST(dup2(p->terminal_fd, fd) == fd);
    MUST(chdir(p->folder) == 0);
    burden(p);
    execv(path, (char *const *)(const void *)argv);
    _exit(127);
}

int64_t program_peak_mib(const struct program *p)
{
    siginfo_t info = { 0 };
    char path[64], line[256];
    int64_t kib = 0;

    snprintf(path, sizeof path, "/proc/%d/status", p->pid);
    while (!waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) &&
           !info.si_pid) {
        FILE *f = fopen(path, "re");

        while (f && fgets(line, sizeof line, f))
            if (!strncmp(line, "VmHWM:", 6))
                kib = strtoll(line + 6, NULL, 10);
        if (f)
            fclose(f);
        usleep(20000);
    }
    return kib / 1024;
}

void program_signal(struct program *p, int signo)
{
    kill(p->pid, signo);
}

int program_wait(struct program *p)
{
    int64_t give_up =
        clock_now_ns() + (p->patience_ms ? p->patience_ms : MAX_RUN_MS) * NS_PER_MS;
    struct err_note note;
    struct rusage used;
    int status;

    while (wait4(p->pid, &status, WNOHANG, &used) == 0) {
        if (clock_now_ns() > give_up)
            kill(p->pid, SIGKILL);
        usleep(2000);
    }
    p->pid = 0;
    p->cpu_us = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * INT64_C(1000000) +
                used.ru_utime.tv_usec + used.ru_stime.tv_usec;
    p->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    buf_reset(&p->out);
    buf_reset(&p->err);
    MUST(io_read_file(program_path(p, "stdout"), &p->out, &note) == OK);
    MUST(io_read_file(program_path(p, "stderr"), &p->err, &note) == OK);
    return p->exit_code;
}

int program_run(struct program *p, const char *const *args)
{
    program_start(p, args);
    return program_wait(p);
}

/* What keeps a test on this machine, in front of args. */
static void at_home(const char *const *args, const char *out[static MAX_ARGS])
{
    static const char *const first[] = { "--allow-net", "127.0.0.0/8", "--dns",
                                         "127.0.0.1:1", "--progress",  "none" };
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(first); i++)
        out[n++] = first[i];
    for (; *args; args++) {
        MUST(n + 1 < MAX_ARGS);
        out[n++] = *args;
    }
    out[n] = NULL;
}

void program_start_crawl(struct program *p, const char *const *args)
{
    const char *all[MAX_ARGS];

    at_home(args, all);
    program_start(p, all);
}

int program_crawl(struct program *p, const char *const *args)
{
    program_start_crawl(p, args);
    return program_wait(p);
}

void program_kill(struct program *p)
{
    program_signal(p, SIGKILL);
    program_wait(p);
}

void program_seeds(struct program *p, uint16_t port, const char *content)
{
    struct buf text;
    struct span rest = span_str(content);

    buf_init(&text, (size_t)MIB);
    for (;;) {
        size_t at = span_find_span(rest, SPAN("$PORT"));

        MUST(buf_append(&text, span_slice(rest, 0, at)) == OK);
        if (at == rest.len)
            break;
        MUST(buf_printf(&text, "%u", port) == OK);
        rest = span_skip(rest, at + 5);
    }
    program_write(p, "seeds.txt", buf_span(&text));
    buf_clear(&text);
}

bool program_said(const struct program *p, const char *text)
{
    struct span all = buf_span(&p->err);

    return span_find_span(all, span_str(text)) < all.len;
}

const char *program_text(struct program *p, const char *sql)
{
    static char value[4096];
    sqlite3 *db;
    sqlite3_stmt *stmt;

    value[0] = '\0';
    MUST(sqlite3_open_v2(program_path(p, "crawl.db"), &db, SQLITE_OPEN_READONLY,
                         NULL) == SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
        fprintf(stderr, "kit/program: %s: %s\n", sqlite3_errmsg(db), sql);
        abort();
    }
    if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
        snprintf(value, sizeof value, "%s", (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return value;
}

int64_t program_number(struct program *p, const char *sql)
{
    int64_t n;

    return span_parse_i64(span_str(program_text(p, sql)), &n) ? n : -1;
}

void program_change(struct program *p, const char *sql)
{
    char *why = NULL;
    sqlite3 *db;

    MUST(sqlite3_open(program_path(p, "crawl.db"), &db) == SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) {
        fprintf(stderr, "kit/program: %s: %s\n", why, sql);
        abort();
    }
    sqlite3_close(db);
}
