/* SPDX-License-Identifier: MIT */
/* The watchdog: who works on one connection for too long loses it, who waits does not. Promise P57. */
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/thread.h"
#include "fetch/watchdog.h"

#define PATIENCE_NS (20 * NS_PER_S) /* after that a test gives up */

struct flood {
    int fd;
    pthread_t thread;
    atomic_bool must_end;
};

/* Two ends of a TCP connection: a socket pair of AF_UNIX ends in other ways. */
static void connect_pair(int fds[2])
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof(at);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(listener, (struct sockaddr *)&at, n), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &n), 0);
    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fds[0], (struct sockaddr *)&at, n), 0);
    fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fds[1] >= 0);
    (void)close(listener);
}

static void *send_without_end(void *arg)
{
    static const char bytes[16384];
    struct flood *f = arg;

    while (!atomic_load(&f->must_end) &&
           send(f->fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
        ;
    return NULL;
}

/*
 * Reads what comes for max_ns at most, all in one step. hands_over: as if each piece were
 * some page's. pause_ms: before it begins. Returns the connections cut by then.
 */
static uint64_t read_flood(int64_t max_ns, bool hands_over, int pause_ms)
{
    struct flood flood = { 0 };
    struct watchdog *w;
    int64_t begun;
    char bytes[16384];
    uint64_t n_cut;
    ssize_t n = 1;
    int fds[2];

    connect_pair(fds);
    flood.fd = fds[1];
    assert_int_equal(thread_start(&flood.thread, "flood", send_without_end, &flood), 0);
    assert_int_equal(watchdog_open(&w, NULL), OK);
    assert_int_equal(poll(NULL, 0, pause_ms), 0);
    begun = clock_now_ns();
    watchdog_enter(w, fds[0]);
    while (n > 0 && clock_now_ns() - begun < max_ns) {
        n = recv(fds[0], bytes, sizeof(bytes), 0);
        if (hands_over)
            watchdog_note_data(w);
    }
    watchdog_leave(w);
    n_cut = watchdog_n_cut(w);
    assert_int_equal(n_cut, n <= 0);
    watchdog_close(w);
    atomic_store(&flood.must_end, true);
    (void)close(fds[0]);
    pthread_join(flood.thread, NULL);
    (void)close(fds[1]);
    return n_cut;
}

static void a_connection_that_never_lets_go_is_cut(void **state)
{
    (void)state;
    assert_int_equal(read_flood(PATIENCE_NS, false, 0), 1);
}

/* The watchdog has gone to sleep by then. */
static void a_connection_that_never_lets_go_is_cut_after_a_pause_too(void **state)
{
    (void)state;
    assert_int_equal(read_flood(PATIENCE_NS, false, 500), 1);
}

static void a_download_is_not_however_fast(void **state)
{
    (void)state;
    assert_int_equal(read_flood(10 * WATCHDOG_MOST_NS, true, 0), 0);
}

/* A handshake on a slow machine: much work over few bytes. */
static void work_over_few_bytes_is_fine(void **state)
{
    struct watchdog *w;
    int64_t begun = clock_now_ns();
    char byte;
    int fds[2];

    (void)state;
    connect_pair(fds);
    assert_int_equal(watchdog_open(&w, NULL), OK);
    watchdog_enter(w, fds[0]);
    while (clock_now_ns() - begun < 10 * WATCHDOG_MOST_NS) {
        assert_int_equal(send(fds[1], "x", 1, MSG_NOSIGNAL), 1);
        assert_int_equal(recv(fds[0], &byte, 1, 0), 1);
        for (int64_t from = clock_now_ns(); clock_now_ns() - from < NS_PER_MS / 10;)
            ;
    }
    watchdog_leave(w);
    assert_int_equal(watchdog_n_cut(w), 0);
    watchdog_close(w);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

/* Many looks go by, and none of this is one long step. */
static void waiting_and_many_short_steps_are_fine(void **state)
{
    struct watchdog *w;
    int64_t begun;
    int fds[2];

    (void)state;
    connect_pair(fds);
    assert_int_equal(watchdog_open(&w, NULL), OK);
    watchdog_enter(w, fds[0]);
    assert_int_equal(poll(NULL, 0, (int)(3 * WATCHDOG_MOST_NS / NS_PER_MS)), 0);
    watchdog_leave(w);
    for (begun = clock_now_ns(); clock_now_ns() - begun < 3 * WATCHDOG_MOST_NS;) {
        watchdog_enter(w, fds[0]);
        watchdog_leave(w);
    }
    begun = clock_now_ns();
    while (clock_now_ns() - begun <
           3 * WATCHDOG_MOST_NS) /* busy, but between two steps */
        ;
    assert_int_equal(watchdog_n_cut(w), 0);
    assert_int_equal(send(fds[0], "x", 1, MSG_NOSIGNAL), 1);
    watchdog_close(w);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

/* How often the watchdog's thread gave the processor away of its own accord. */
static long count_switches(void)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *task;
    long n = -1;

    assert_non_null(tasks);
    while (n < 0 && (task = readdir(tasks)) != NULL) {
        char path[300], line[128] = "";
        FILE *f;

        snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        f = fopen(path, "r");
        if (!f)
            continue;
        if (fgets(line, sizeof line, f) && strcmp(line, "Name:\twatchdog\n") == 0)
            while (n < 0 && fgets(line, sizeof line, f))
                if (strncmp(line, "voluntary_ctxt_switches:", 24) == 0)
                    n = strtol(line + 24, NULL, 10);
        (void)fclose(f);
    }
    (void)closedir(tasks);
    return n;
}

static void wait_ms(int ms)
{
    assert_int_equal(poll(NULL, 0, ms), 0);
}

static void who_has_nothing_to_watch_sleeps(void **state)
{
    struct watchdog *w;
    long before;

    (void)state;
    assert_int_equal(watchdog_open(&w, NULL), OK);
    for (int i = 0; i < 3; i++) {
        watchdog_enter(w, STDIN_FILENO);
        watchdog_leave(w);
        wait_ms(500); /* asleep long since, however slow this machine is */
        before = count_switches();
        assert_true(before > 0);
        wait_ms(500); /* fifty looks, were it awake */
        assert_true(count_switches() - before <= 2);
    }
    watchdog_close(w);
}

static void nobody_need_be_watched(void **state)
{
    (void)state;
    watchdog_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_that_never_lets_go_is_cut),
        cmocka_unit_test(a_download_is_not_however_fast),
        cmocka_unit_test(work_over_few_bytes_is_fine),
        cmocka_unit_test(waiting_and_many_short_steps_are_fine),
        cmocka_unit_test(who_has_nothing_to_watch_sleeps),
        cmocka_unit_test(a_connection_that_never_lets_go_is_cut_after_a_pause_too),
        cmocka_unit_test(nobody_need_be_watched),
    };

    return cmocka_run_group_tests_name("fetch/watchdog", tests, NULL, NULL);
}
