/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/span.h"
#include "parse/sandbox.h"

#define MEMORY_BYTES ((uint64_t)64 << 20)

/* Sanitizers need system calls of their own, and address space without end. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool is_sanitized = true;
#else
static const bool is_sanitized = false;
#endif

/* What a child tries inside; its exit status is what the call gave. */
typedef int attempt(void);

static int wait_for(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return status;
}

/* Runs try in a sandboxed child and returns its wait status. */
static int run_inside(attempt *try, const struct sandbox_limits *limits)
{
    pid_t pid;

    fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct sandbox_report report;

        if (sandbox_enter(limits, &report, NULL))
            _exit(100);
        _exit(try());
    }
    return wait_for(pid);
}

static const struct sandbox_limits ordinary = { .memory_bytes = MEMORY_BYTES };

/* ---- what must kill ---- */

static int try_open(void)
{
    return open("/etc/passwd", O_RDONLY) < 0;
}

static int try_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) < 0;
}

static int try_fork(void)
{
    return fork() < 0;
}

static int try_execve(void)
{
    char *const none[] = { NULL };

    return execve("/bin/true", none, none);
}

static int try_ptrace(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0;
}

static int try_kill_parent(void)
{
    return (int)syscall(SYS_kill, syscall(SYS_getpid) - 1, SIGKILL);
}

static int try_tgkill_other(void)
{
    return (int)syscall(SYS_tgkill, 1, 1, SIGKILL);
}

static int try_exec_memory(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) == MAP_FAILED;
}

static int try_make_executable(void)
{
    void *p =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static int try_unlink(void)
{
    return unlink("/nowhere/at/all");
}

static int try_lift_limit(void)
{
    struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };

    return setrlimit(RLIMIT_AS, &none);
}

static int try_io_uring(void)
{
    return (int)syscall(425, 1, NULL);
}

static int try_lock_pi(void)
{
    uint32_t word = 0;

    return (int)syscall(SYS_futex, &word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
}

struct refusal {
    const char *label;
    attempt *try;
};

static struct refusal refusals[] = {
    { "opening a file kills", try_open },
    { "a socket kills", try_socket },
    { "fork kills", try_fork },
    { "execve kills", try_execve },
    { "ptrace kills", try_ptrace },
    { "a signal to another process kills", try_kill_parent },
    { "tgkill of another process kills", try_tgkill_other },
    { "executable memory kills", try_exec_memory },
    { "making memory executable kills", try_make_executable },
    { "unlink kills", try_unlink },
    { "lifting a limit kills", try_lift_limit },
    { "io_uring kills", try_io_uring },
    { "a priority-inheriting futex kills", try_lock_pi },
};

static void dies_by_sigsys(void **state)
{
    const struct refusal *r = *state;
    int status;

    if (is_sanitized)
        skip();
    status = run_inside(r->try, &ordinary);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

/* ---- what must go on working ---- */

static int work(void)
{
    char *volatile p = malloc((size_t)4 << 20);
    struct timespec now;
    uint32_t word = 1;
    int numbers[500];

    if (!p || clock_gettime(CLOCK_MONOTONIC, &now))
        return 1;
    memset(p, 1, (size_t)4 << 20);
    p = realloc(p, (size_t)8 << 20);
    free(p);
    for (int i = 0; i < 500; i++)
        numbers[i] = i * 7919 % 500;
    (void)numbers;
    /* Wakes nobody; waits for nothing, as the word differs. */
    if (syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0))
        return 2;
    if (syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0) != -1 ||
        errno != EAGAIN)
        return 3;
    return 0;
}

static int by_numbers(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

/* A big qsort asks for the size of memory. */
static int sort(void)
{
    int64_t *numbers = malloc(200000 * sizeof(*numbers));

    for (int i = 0; i < 200000; i++)
        numbers[i] = (int64_t)i * 7919 % 200000;
    qsort(numbers, 200000, sizeof(*numbers), by_numbers);
    return numbers[0] != 0;
}

static void ordinary_work_goes_on(void **state)
{
    struct sandbox_limits limits = ordinary;

    (void)state;
    limits.is_seccomp_off = is_sanitized;
    assert_int_equal(run_inside(work, &limits), 0);
    assert_int_equal(run_inside(sort, &limits), 0);
}

static int abort_now(void)
{
    abort();
}

static void abort_is_seen_as_abort(void **state)
{
    int status;

    (void)state;
    if (is_sanitized)
        skip();
    status = run_inside(abort_now, &ordinary);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* Twice what is allowed; half of it works. */
static int eat_memory(void)
{
    void *half = mmap(NULL, MEMORY_BYTES / 2, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *all = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return half == MAP_FAILED ? 1 : all != MAP_FAILED ? 2 : 0;
}

static void memory_ends_at_the_limit(void **state)
{
    struct sandbox_limits limits = ordinary;

    (void)state;
    limits.is_seccomp_off = is_sanitized;
    assert_int_equal(run_inside(eat_memory, &limits), 0);
}

static int clone3_says(void)
{
    return syscall(435, NULL, 0) == -1 && errno == ENOSYS ? 0 : 1;
}

/* libc must believe that there is none, and not die of asking. */
static void clone3_does_not_exist(void **state)
{
    (void)state;
    if (is_sanitized)
        skip();
    assert_int_equal(run_inside(clone3_says, &ordinary), 0);
}

/* ---- without seccomp the other walls still stand ---- */

static int knock_on_the_walls(void)
{
    if (open("/etc/passwd", O_RDONLY) >= 0)
        return 1;
    if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0)
        return 2;
    return 0;
}

static void limits_hold_without_seccomp(void **state)
{
    struct sandbox_limits limits = { .is_seccomp_off = true };

    (void)state;
    assert_int_equal(run_inside(knock_on_the_walls, &limits), 0);
}

static int touch_the_file_system(void)
{
    return mkdir("/tmp/crawl-sandbox-test", 0700) == 0 || errno != EACCES;
}

/* Calls that need no descriptor, which the limits let through. */
static void landlock_closes_the_file_system_where_there_is_one(void **state)
{
    struct sandbox_limits limits = { .is_seccomp_off = true };

    (void)state;
    if (syscall(444, NULL, 0, 1) < 1)
        skip();
    assert_int_equal(run_inside(touch_the_file_system, &limits), 0);
}

static int rings(int bell)
{
    uint64_t one = 1;

    return write(bell, &one, sizeof(one)) == sizeof(one) &&
                   read(bell, &one, sizeof(one)) == sizeof(one)
               ? 0
               : 1;
}

static void open_descriptors_go_on_working(void **state)
{
    int bell = eventfd(0, EFD_CLOEXEC), status;
    pid_t pid;

    (void)state;
    assert_true(bell >= 0);
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        struct sandbox_limits limits = { .is_seccomp_off = is_sanitized };
        struct sandbox_report report;

        if (sandbox_enter(&limits, &report, NULL))
            _exit(100);
        _exit(rings(bell));
    }
    status = wait_for(pid);
    close(bell);
    assert_int_equal(status, 0);
}

/* ---- what it says about itself ---- */

/* The value of "name:" in /proc/PID/status, or -1. */
static long status_field(pid_t pid, const char *name)
{
    char path[64], line[256];
    long value = -1;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f))
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
            value = strtol(line + strlen(name) + 1, NULL, 10);
    fclose(f);
    return value;
}

/* Enters, sends its report, and waits for the pipe to close. */
static pid_t start_waiting(const struct sandbox_limits *limits, int report_fd,
                           int wait_fd)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct sandbox_report report;
        char c;

        if (sandbox_enter(limits, &report, NULL) ||
            write(report_fd, &report, sizeof(report)) != sizeof(report))
            _exit(100);
        _exit(read(wait_fd, &c, 1) == 1 ? 0 : 1);
    }
    return pid;
}

static void the_kernel_confirms_the_report(void **state)
{
    struct sandbox_limits limits = { .memory_bytes = MEMORY_BYTES,
                                     .is_seccomp_off = is_sanitized };
    struct sandbox_report report;
    char text[SANDBOX_TEXT_SIZE];
    int up[2], down[2], status;
    pid_t pid;

    (void)state;
    assert_int_equal(pipe(up), 0);
    assert_int_equal(pipe(down), 0);
    fflush(NULL);
    pid = start_waiting(&limits, up[1], down[0]);
    close(up[1]); /* so that a child that dies early is seen */
    assert_int_equal(read(up[0], &report, sizeof(report)), sizeof(report));

    assert_int_equal(status_field(pid, "NoNewPrivs"), 1);
    assert_int_equal(status_field(pid, "Seccomp"), is_sanitized ? 0 : 2);
    assert_true(report.has_no_new_privs);
    assert_true(report.has_rlimits);
    assert_int_equal(report.has_seccomp, !is_sanitized);
    sandbox_format(&report, text);
    assert_non_null(strstr(text, "no-new-privs rlimits"));
    assert_int_equal(strstr(text, " seccomp") != NULL, !is_sanitized);

    assert_int_equal(write(down[1], "x", 1), 1);
    status = wait_for(pid);
    close(up[0]);
    close(down[0]);
    close(down[1]);
    assert_int_equal(status, 0);
}

static void the_report_is_put_in_words(void **state)
{
    struct sandbox_report all = { true, true, true, 7 }, none = { 0 };
    char text[SANDBOX_TEXT_SIZE];

    (void)state;
    sandbox_format(&all, text);
    assert_string_equal(text, "no-new-privs rlimits landlock-7 seccomp");
    sandbox_format(&none, text);
    assert_string_equal(text, "unprotected");
}

int main(void)
{
    static const struct CMUnitTest single[] = {
        cmocka_unit_test(ordinary_work_goes_on),
        cmocka_unit_test(abort_is_seen_as_abort),
        cmocka_unit_test(memory_ends_at_the_limit),
        cmocka_unit_test(clone3_does_not_exist),
        cmocka_unit_test(limits_hold_without_seccomp),
        cmocka_unit_test(landlock_closes_the_file_system_where_there_is_one),
        cmocka_unit_test(open_descriptors_go_on_working),
        cmocka_unit_test(the_kernel_confirms_the_report),
        cmocka_unit_test(the_report_is_put_in_words),
    };
    struct CMUnitTest tests[ARRAY_LEN(single) + ARRAY_LEN(refusals)];

    memcpy(tests, single, sizeof(single));
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        tests[ARRAY_LEN(single) + i] =
            (struct CMUnitTest){ .name = refusals[i].label,
                                 .test_func = dies_by_sigsys,
                                 .initial_state = &refusals[i] };
    return cmocka_run_group_tests_name("parse/sandbox", tests, NULL, NULL);
}
