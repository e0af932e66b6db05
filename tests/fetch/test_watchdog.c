/* SPDX-License-Identifier: MIT */
/* The watchdog: who works on one connection for too long loses it, who waits does not. Promise P57. */
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
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
 * some page's. Returns the connections cut by then.
 */
static uint64_t read_flood(int64_t max_ns, bool hands_over)
{
    struct flood flood = { 0 };
    struct watchdog *w;
    int64_t begun = clock_now_ns();
    char bytes[16384];
    uint64_t n_cut;
    ssize_t n = 1;
    int fds[2];

    connect_pair(fds);
    flood.fd = fds[1];
    assert_int_equal(thread_start(&flood.thread, "flood", send_without_end, &flood), 0);
    assert_int_equal(watchdog_open(&w, NULL), OK);
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
    assert_int_equal(read_flood(PATIENCE_NS, false), 1);
}

static void a_download_is_not_however_fast(void **state)
{
    (void)state;
    assert_int_equal(read_flood(10 * WATCHDOG_MOST_NS, true), 0);
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
        cmocka_unit_test(nobody_need_be_watched),
    };

    return cmocka_run_group_tests_name("fetch/watchdog", tests, NULL, NULL);
}
