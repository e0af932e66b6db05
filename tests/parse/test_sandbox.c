/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
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

        /* cmocka's handlers would go on with the tests, in the child. */
        signal(SIGSEGV, SIG_DFL);
        signal(SIGILL, SIG_DFL);
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

/* ---- nothing but what parse/sandbox.h names ---- */

/* A call that must be let through, harmless with these arguments. With others, is_for_some must kill. */
static const struct call {
    long number;
    long args[4];
    bool is_for_some;
} let_through[] = {
    { .number = SYS_read, .args = { -1 } },
    { .number = SYS_write, .args = { -1 } },
    { .number = SYS_writev, .args = { -1 } },
    { .number = SYS_futex, .args = { 0, FUTEX_WAIT | FUTEX_PRIVATE_FLAG }, .is_for_some = true },
    { .number = SYS_futex, .args = { 0, FUTEX_WAKE }, .is_for_some = true },
    { .number = SYS_futex, .args = { 0, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME }, .is_for_some = true },
    { .number = SYS_mmap, .args = { 0, 4096, PROT_READ, MAP_PRIVATE }, .is_for_some = true },
    { .number = SYS_mprotect, .args = { 0, 0, PROT_READ }, .is_for_some = true },
    { .number = SYS_munmap, .args = { 1 } },
    { .number = SYS_mremap, .args = { 1 } },
    { .number = SYS_brk },
    { .number = SYS_madvise, .args = { 1 } },
    { .number = SYS_clock_gettime, .args = { CLOCK_MONOTONIC } },
    { .number = SYS_gettimeofday },
    { .number = SYS_getrandom },
    { .number = SYS_sysinfo },
    { .number = SYS_rt_sigprocmask },
    { .number = SYS_sigaltstack },
    { .number = SYS_restart_syscall },
    { .number = SYS_rseq },
    { .number = SYS_getpid },
    { .number = SYS_gettid },
    { .number = SYS_clone3 },
};

static const struct call *wanted;
static long forbidden;

static int call_wanted(void)
{
    (void)syscall(wanted->number, wanted->args[0], wanted->args[1], wanted->args[2], wanted->args[3], -1L, 0L);
    return 0;
}

static void what_libraries_need_is_let_through(void **state)
{
    (void)state;
    if (is_sanitized)
        skip();
    for (size_t i = 0; i < ARRAY_LEN(let_through); i++) {
        int status;

        wanted = &let_through[i];
        status = run_inside(call_wanted, &ordinary);
        if (status)
            fail_msg("system call %ld: wait status 0x%x", wanted->number, status);
    }
}

static int call_forbidden(void)
{
    (void)syscall(forbidden, -1L, -1L, -1L, -1L, -1L, -1L);
    return 0;
}

static bool is_let_through(long number)
{
    for (size_t i = 0; i < ARRAY_LEN(let_through); i++)
        if (let_through[i].number == number && !let_through[i].is_for_some)
            return true;
    return number == SYS_exit || number == SYS_exit_group || number == SYS_rt_sigreturn;
}

/* The kernel's own, which it lets through whatever a filter says, and takes from its trampolines only. */
static bool is_of_probes(long number)
{
#if defined(__x86_64__)
    return number == 335 || number == 336; /* uretprobe, uprobe */
#else
    return number < 0;
#endif
}

static void every_other_call_kills(void **state)
{
    (void)state;
    if (is_sanitized)
        skip();
    for (forbidden = 0; forbidden < 520; forbidden++) {
        int status;

        if (is_let_through(forbidden) || is_of_probes(forbidden))
            continue;
        alarm(30); /* one that is let through may wait for ever */
        status = run_inside(call_forbidden, &ordinary);
        alarm(0);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
            fail_msg("system call %ld: wait status 0x%x", forbidden, status);
    }
}

static int exit_thread(void)
{
    return (int)syscall(SYS_exit, 0);
}

static volatile sig_atomic_t was_called;

static void note_call(int signo)
{
    (void)signo;
    was_called = 1;
}

static int raise_usr1(void)
{
    return raise(SIGUSR1) || !was_called;
}

static void a_thread_may_end_and_a_signal_handler_return(void **state)
{
    struct sigaction old, action = { .sa_handler = note_call };

    (void)state;
    if (is_sanitized)
        skip();
    sigaction(SIGUSR1, &action, &old);
    assert_int_equal(run_inside(raise_usr1, &ordinary), 0);
    sigaction(SIGUSR1, &old, NULL);
    assert_int_equal(run_inside(exit_thread, &ordinary), 0);
}

#if defined(__x86_64__)
static int call_as_i386(void)
{
    long number = 20; /* getpid there, writev here */

    __asm__ volatile("int $0x80" : "+a"(number) : : "memory");
    return 0;
}

static int call_as_x32(void)
{
    (void)syscall(0x40000000L + SYS_getpid);
    return 0;
}

/* Where the kernel knows other numbers as well, these are no way round the list. */
static void other_architectures_calls_kill(void **state)
{
    struct sandbox_limits none = { .is_seccomp_off = true };
    int status;

    (void)state;
    if (is_sanitized)
        skip();
    status = run_inside(call_as_x32, &ordinary);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
    if (run_inside(call_as_i386, &none))
        skip();
    status = run_inside(call_as_i386, &ordinary);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}
#else
static void other_architectures_calls_kill(void **state)
{
    (void)state;
    skip();
}
#endif

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

/* Which of the limits is not 0; 0 when all are. */
static int look_at_limits(void)
{
    static const int none[] = { RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_NPROC, RLIMIT_CORE, RLIMIT_MEMLOCK };
    struct rlimit limit;

    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        if (getrlimit((__rlimit_resource_t)none[i], &limit) || limit.rlim_cur || limit.rlim_max)
            return (int)i + 1;
    return 0;
}

static int look_at_rights(void)
{
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return 1;
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : 2;
}

static int open_file;

static int write_to_a_file(void)
{
    return write(open_file, "x", 1) == -1 && errno == EFBIG ? 0 : 1;
}

static void no_file_process_core_or_right_is_left(void **state)
{
    struct sandbox_limits limits = { .is_seccomp_off = true };
    FILE *f = tmpfile();

    (void)state;
    assert_non_null(f);
    open_file = fileno(f);
    assert_int_equal(run_inside(look_at_limits, &limits), 0);
    assert_int_equal(run_inside(look_at_rights, &limits), 0);
    assert_int_equal(run_inside(write_to_a_file, &limits), 0); /* is refused, and no signal ends it */
    fclose(f);
}

static int touch_the_file_system(void)
{
    if (mkdir("/tmp/crawl-sandbox-test", 0700) == 0)
        return rmdir("/tmp/crawl-sandbox-test") ? 3 : 2;
    return errno != EACCES;
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

static int open_socket;

static int connect_it(void)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect(open_socket, (struct sockaddr *)&to, sizeof(to)) == -1 && errno == EACCES ? 0 : 1;
}

static int signal_the_parent(void)
{
    return kill(getppid(), 0) == -1 && errno == EPERM ? 0 : 1;
}

static void landlock_closes_network_and_signals_where_it_can(void **state)
{
    struct sandbox_limits limits = { .is_seccomp_off = true };
    long abi = syscall(444, NULL, 0, 1);

    (void)state;
    if (abi < 4)
        skip();
    open_socket = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(open_socket >= 0);
    assert_int_equal(run_inside(connect_it, &limits), 0);
    close(open_socket);
    if (abi >= 6)
        assert_int_equal(run_inside(signal_the_parent, &limits), 0);
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
        cmocka_unit_test(what_libraries_need_is_let_through),
        cmocka_unit_test(every_other_call_kills),
        cmocka_unit_test(a_thread_may_end_and_a_signal_handler_return),
        cmocka_unit_test(other_architectures_calls_kill),
        cmocka_unit_test(ordinary_work_goes_on),
        cmocka_unit_test(abort_is_seen_as_abort),
        cmocka_unit_test(memory_ends_at_the_limit),
        cmocka_unit_test(clone3_does_not_exist),
        cmocka_unit_test(limits_hold_without_seccomp),
        cmocka_unit_test(no_file_process_core_or_right_is_left),
        cmocka_unit_test(landlock_closes_the_file_system_where_there_is_one),
        cmocka_unit_test(landlock_closes_network_and_signals_where_it_can),
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
