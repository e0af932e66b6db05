/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/io.h"
#include "config/mem.h"

static void temp_name(char *out, size_t size, const char *what)
{
    snprintf(out, size, "/tmp/test_io_%d_%s", (int)getpid(), what);
    unlink(out);
}

static void a_file_comes_back_as_written(void **state)
{
    char path[64], content[20000];
    struct err_note note;
    struct buf out;

    (void)state;
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (char)(i * 7);
    temp_name(path, sizeof path, "a");
    assert_int_equal(io_replace_file(path, span_make(content, sizeof content), &note),
                     OK);
    buf_init(&out, sizeof content);
    assert_int_equal(io_read_file(path, &out, &note), OK);
    assert_true(span_eq(buf_span(&out), span_make(content, sizeof content)));
    buf_clear(&out);
    unlink(path);
}

/* Where a test's own widening is refused, ours may be. */
static void a_pipe_gets_wide_and_nothing_else_changes(void **state)
{
    int ours[2], own[2];
    int file = open("/dev/null", O_WRONLY | O_CLOEXEC);

    (void)state;
    assert_int_equal(pipe2(ours, O_CLOEXEC), 0);
    assert_int_equal(pipe2(own, O_CLOEXEC), 0);
    io_widen_pipe(ours[1]);
    (void)fcntl(own[1], F_SETPIPE_SZ, 1 << 20);
    assert_int_equal(fcntl(ours[1], F_GETPIPE_SZ), fcntl(own[1], F_GETPIPE_SZ));
    if (fcntl(own[1], F_SETPIPE_SZ, 1 << 21) > 0) { /* a wider one stays as it is */
        io_widen_pipe(own[1]);
        assert_int_equal(fcntl(own[1], F_GETPIPE_SZ), 1 << 21);
    }
    io_widen_pipe(file);
    io_widen_pipe(-1);
    for (int i = 0; i < 2; i++) {
        close(ours[i]);
        close(own[i]);
    }
    close(file);
}

static void reading_more_than_allowed_names_the_limit(void **state)
{
    char path[64];
    struct err_note note;
    struct buf out;

    (void)state;
    temp_name(path, sizeof path, "a");
    assert_int_equal(io_replace_file(path, SPAN("0123456789"), &note), OK);
    buf_init(&out, 9);
    assert_int_equal(io_read_file(path, &out, &note), ERR_TOO_LARGE);
    assert_non_null(strstr(note.text, path));
    assert_non_null(strstr(note.text, "larger than 9 bytes"));
    buf_clear(&out);
    unlink(path);
}

static void missing_files_and_directories_are_named_with_the_cause(void **state)
{
    struct err_note note;
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    assert_int_equal(io_read_file("/nowhere/x", &out, &note), ERR_NOT_FOUND);
    assert_string_equal(note.text, "cannot open /nowhere/x: No such file or directory");
    assert_int_equal(io_read_file("/tmp", &out, &note), ERR_IO);
    assert_string_equal(note.text, "cannot read /tmp: Is a directory");
    assert_int_equal(io_replace_file("/nowhere/x", SPAN("x"), &note), ERR_IO);
    assert_non_null(strstr(note.text, "/nowhere/x"));
    assert_int_equal(io_replace_file("/tmp", SPAN("x"), &note), ERR_IO);
    assert_non_null(strstr(note.text, "/tmp"));
    buf_clear(&out);
}

static void no_memory_is_not_called_too_large(void **state)
{
    struct err_note note;
    struct buf out;

    (void)state;
    buf_init(&out, 1000000);
    mem_fail_after(1);
    assert_int_equal(io_read_file("/proc/self/status", &out, &note), ERR_NO_MEMORY);
    mem_fail_after(0);
    assert_non_null(strstr(note.text, "out of memory"));
    buf_clear(&out);
}

static void a_replaced_file_is_private_and_leaves_nothing_behind(void **state)
{
    char path[64], dir[] = "/tmp/test_io_XXXXXX";
    struct err_note note;
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/f", dir);
    umask(0);
    assert_int_equal(io_replace_file(path, SPAN("one"), &note), OK);
    assert_int_equal(io_replace_file(path, SPAN_NONE, &note), OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, 0);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(io_replace_file(path, SPAN("x"), &note), ERR_IO);
    rmdir(path);
    assert_int_equal(rmdir(dir), 0); /* empty: no temporary file was left */
}

/* A root that writes to /dev/null, or into a pipe, has the same device or pipe afterwards. */
static void what_is_no_regular_file_is_written_to_not_replaced(void **state)
{
    char dir[] = "/tmp/test_io_XXXXXX", path[64], content[8] = "";
    struct err_note note;
    struct stat st;
    int reader;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/f", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    assert_int_equal(io_put_file(path, SPAN("piped"), &note), OK);
    assert_int_equal(read(reader, content, sizeof content), 5);
    assert_string_equal(content, "piped");
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    close(reader);
    unlink(path);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_int_equal(io_put_file(path, SPAN("x"), &note), ERR_REFUSED);
    assert_non_null(strstr(note.text, "symbolic link"));
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    unlink(path);
    assert_int_equal(io_put_file(path, SPAN("new"), &note), OK);
    assert_int_equal(io_put_file(path, SPAN("newer"), &note), OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 5);
    unlink(path);
    assert_int_equal(rmdir(dir), 0);
}

static void standard_input_is_called_dash(void **state)
{
    struct err_note note;
    struct buf out;
    int fds[2], saved = dup(STDIN_FILENO);

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(io_write_all(fds[1], SPAN("from a pipe")), OK);
    close(fds[1]);
    dup2(fds[0], STDIN_FILENO);
    close(fds[0]);
    buf_init(&out, 100);
    assert_int_equal(io_read_file("-", &out, &note), OK);
    assert_true(span_eq(buf_span(&out), SPAN("from a pipe")));
    assert_int_equal(fcntl(STDIN_FILENO, F_GETFD) >= 0, true);
    dup2(saved, STDIN_FILENO);
    close(saved);
    buf_clear(&out);
}

static void bad_descriptors_are_errors(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    assert_int_equal(io_write_all(-1, SPAN("x")), ERR_IO);
    assert_int_equal(errno, EBADF);
    assert_int_equal(io_read_all(-1, &out), ERR_IO);
    assert_int_equal(errno, EBADF);
    assert_int_equal(io_write_all(-1, SPAN_NONE), OK);
}

static void on_alarm(int signo)
{
    (void)signo;
}

/* A pipe whose reader sleeps while signals without SA_RESTART hit the writer. */
static void signals_and_short_writes_lose_nothing(void **state)
{
    static char content[300000];
    struct sigaction action = { .sa_handler = on_alarm }, saved;
    struct buf out;
    int fds[2], status;
    pid_t child;

    (void)state;
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (char)(i * 31);
    assert_int_equal(pipe(fds), 0);
    sigaction(SIGUSR1, &action, &saved); /* the child's as well, from its beginning */
    child = fork();
    if (child == 0) {
        close(fds[0]);
        _exit(io_write_all(fds[1], span_make(content, sizeof content)) == OK ? 0 : 1);
    }
    close(fds[1]);
    for (int i = 0; i < 20; i++) {
        usleep(1000);
        if (i > 5)
            kill(child, SIGUSR1);
    }
    buf_init(&out, sizeof content);
    assert_int_equal(io_read_all(fds[0], &out), OK);
    close(fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    sigaction(SIGUSR1, &saved, NULL);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(span_eq(buf_span(&out), span_make(content, sizeof content)));
    buf_clear(&out);
}

static void closed_standard_descriptors_are_filled(void **state)
{
    int status;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        struct stat null_device, st;
        int fd;

        close(0);
        close(2);
        io_reserve_standard();
        stat("/dev/null", &null_device);
        fd = open("/dev/null", O_RDONLY);
        _exit(fd > 2 && fstat(0, &st) == 0 && st.st_rdev == null_device.st_rdev &&
                      fstat(2, &st) == 0 && st.st_rdev == null_device.st_rdev
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void reserving_opens_nothing_when_all_are_open(void **state)
{
    int before = dup(0), after;

    (void)state;
    close(before);
    io_reserve_standard();
    after = dup(0);
    close(after);
    assert_int_equal(after, before);
}

static void that_no_descriptor_is_left_is_known(void **state)
{
    struct rlimit before, none;
    bool can;

    (void)state;
    getrlimit(RLIMIT_NOFILE, &before);
    none = (struct rlimit){ 3, before.rlim_max };
    assert_true(io_can_open());
    setrlimit(RLIMIT_NOFILE, &none);
    can = io_can_open();
    setrlimit(RLIMIT_NOFILE, &before);
    assert_false(can);
    assert_true(io_can_open());
}

static void the_limit_of_open_files_rises_to_the_hard_one(void **state)
{
    struct rlimit limit;
    int64_t got;

    (void)state;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 100;
    setrlimit(RLIMIT_NOFILE, &limit);
    got = io_raise_open_files();
    getrlimit(RLIMIT_NOFILE, &limit);
    assert_true(limit.rlim_cur == limit.rlim_max);
    assert_true(got == (int64_t)limit.rlim_cur || limit.rlim_cur == RLIM_INFINITY);
    assert_true(got > 100);
}

static void room_is_what_the_limit_leaves(void **state)
{
    int64_t limit = io_raise_open_files();

    (void)state;
    assert_true(io_has_room_for(1));
    assert_true(io_has_room_for(limit / 2));
    assert_false(io_has_room_for(limit));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_comes_back_as_written),
        cmocka_unit_test(a_pipe_gets_wide_and_nothing_else_changes),
        cmocka_unit_test(reading_more_than_allowed_names_the_limit),
        cmocka_unit_test(missing_files_and_directories_are_named_with_the_cause),
        cmocka_unit_test(no_memory_is_not_called_too_large),
        cmocka_unit_test(a_replaced_file_is_private_and_leaves_nothing_behind),
        cmocka_unit_test(what_is_no_regular_file_is_written_to_not_replaced),
        cmocka_unit_test(standard_input_is_called_dash),
        cmocka_unit_test(bad_descriptors_are_errors),
        cmocka_unit_test(signals_and_short_writes_lose_nothing),
        cmocka_unit_test(closed_standard_descriptors_are_filled),
        cmocka_unit_test(reserving_opens_nothing_when_all_are_open),
        cmocka_unit_test(that_no_descriptor_is_left_is_known),
        cmocka_unit_test(the_limit_of_open_files_rises_to_the_hard_one),
        cmocka_unit_test(room_is_what_the_limit_leaves),
    };

    return cmocka_run_group_tests_name("config/io", tests, NULL, NULL);
}
