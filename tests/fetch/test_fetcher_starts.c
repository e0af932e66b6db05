/* SPDX-License-Identifier: MIT */
/* Many requests at once: each start may begin a TLS handshake, and the loop has other things to do. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/clock.h"
#include "tests/kit/fetchrig.h"

#define N_GETS 50

/* A listener that accepts nobody: the kernel connects all the same. */
struct crowd {
    struct fetchrig rig;
    int listener;
    char url[64];
    struct fetchrig_get gets[N_GETS];
    size_t n_spawned;
    bool is_late_turn;
    struct loop_timer early, last;
    size_t n_looks;
    uint64_t connections[2]; /* at the end of the turn that starts them, and of the next */
};

/* Before the fetcher's turn: something else took the time of this turn. */
static void on_early(void *arg)
{
    const struct crowd *c = arg;

    if (c->is_late_turn)
        clock_fake_advance(LOOP_SLICE_NS);
}

static void on_last(void *arg)
{
    struct crowd *c = arg;
    struct fetcher_stats stats;

    fetcher_get_stats(c->rig.fetcher, &stats);
    c->connections[c->n_looks++] = stats.connections;
    if (c->n_looks < ARRAY_LEN(c->connections))
        loop_timer_set(c->rig.loop, &c->last, 0);
}

/* Timers of one moment fire in the order in which they were set: early, the fetcher's, last. */
static intptr_t get_or_set_timers(void *arg)
{
    struct crowd *c = arg;
    size_t me = c->n_spawned++;
    struct fetchrig_get *get;

    if (me == 0) {
        loop_timer_set(c->rig.loop, &c->early, 0);
    } else if (me <= N_GETS) {
        get = &c->gets[me - 1];
        get->request = fetchrig_request(c->url);
        arena_init(&get->mem, (size_t)1 << 20);
        get->err = fetcher_fetch(c->rig.fetcher, &get->request, &get->mem, DEADLINE_NEVER, &get->result);
    } else {
        loop_timer_set(c->rig.loop, &c->last, 0);
    }
    return 0;
}

static void listen_somewhere(struct crowd *c)
{
    struct sockaddr_in sin = { .sin_family = AF_INET };
    socklen_t len = sizeof(sin);

    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(c->listener, (const struct sockaddr *)&sin, sizeof(sin)), 0);
    assert_int_equal(listen(c->listener, N_GETS), 0);
    assert_int_equal(getsockname(c->listener, (struct sockaddr *)&sin, &len), 0);
    (void)snprintf(c->url, sizeof(c->url), "http://127.0.0.1:%u/", ntohs(sin.sin_port));
}

/* All at once; each ends when its first byte is late, on a clock that costs no time. */
static void get_all(struct crowd *c)
{
    struct group *g;

    listen_somewhere(c);
    clock_fake_start(NS_PER_S, 0);
    fetchrig_init(&c->rig);
    fetchrig_open(&c->rig);
    loop_timer_init(&c->early, on_early, c);
    loop_timer_init(&c->last, on_last, c);
    g = group_new(c->rig.sched, NULL);
    group_set_detached(g);
    for (size_t i = 0; i < N_GETS + 2; i++)
        assert_int_equal(group_spawn(g, "get", get_or_set_timers, c, NULL), OK);
    sched_run(c->rig.sched);
    group_free(g);
    for (size_t i = 0; i < N_GETS; i++) {
        assert_int_equal(c->gets[i].err, OK);
        assert_int_equal(c->gets[i].result.outcome, FETCH_TIMEOUT);
        fetchrig_get_clear(&c->rig, &c->gets[i]);
    }
    assert_int_equal(fetchrig_close(&c->rig), 0);
    clock_fake_stop();
    close(c->listener);
}

static void in_a_turn_with_time_all_are_started(void **state)
{
    struct crowd c = { 0 };

    (void)state;
    get_all(&c);

    assert_int_equal(c.connections[0], N_GETS);
    assert_int_equal(c.connections[1], N_GETS);
}

static void in_a_turn_that_lasted_its_time_a_few_are_and_the_rest_in_the_next(void **state)
{
    struct crowd c = { .is_late_turn = true };

    (void)state;
    get_all(&c);

    assert_in_range(c.connections[0], 1, N_GETS / 2);
    assert_int_equal(c.connections[1], N_GETS);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_turn_with_time_all_are_started),
        cmocka_unit_test(in_a_turn_that_lasted_its_time_a_few_are_and_the_rest_in_the_next),
    };

    return cmocka_run_group_tests_name("fetch/fetcher: starts", tests, NULL, NULL);
}
