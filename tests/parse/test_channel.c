/* SPDX-License-Identifier: MIT */
/* Both ends of a channel in one process: the worker's end is a second mapping of the same memory. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/mem.h"
#include "parse/channel.h"

struct pair {
    struct channel parent;
    struct channel_end worker;
    int fd, bell;
};

static int set_up(void **state)
{
    struct pair *p = mem_alloc(sizeof *p);

    p->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (channel_open(&p->parent, &p->fd, NULL) ||
        channel_attach(&p->worker, p->fd, p->bell, NULL))
        return 1;
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct pair *p = *state;
    struct channel as_parent = { .shared = p->worker.shared };

    channel_close(&as_parent);
    channel_close(&p->parent);
    close(p->fd);
    close(p->bell);
    mem_free(p);
    return 0;
}

static bool is_bell_ringing(struct pair *p)
{
    uint64_t n;

    return read(p->bell, &n, sizeof n) == sizeof n;
}

static void answer(struct pair *p, const char *text)
{
    size_t room;
    char *at = channel_answer_room(&p->worker, 1, &room);

    assert_non_null(at);
    memcpy(at, text, strlen(text));
    channel_answer(&p->worker, at, strlen(text));
}

static void requests_and_answers_come_in_order(void **state)
{
    struct pair *p = *state;
    struct span got;

    assert_int_equal(channel_send(&p->parent, SPAN("one")), OK);
    assert_int_equal(channel_send(&p->parent, SPAN("two")), OK);
    assert_true(channel_next(&p->worker, &got));
    assert_true(span_eq(got, SPAN("one")));
    answer(p, "ONE");
    assert_true(channel_next(&p->worker, &got));
    assert_true(span_eq(got, SPAN("two")));
    answer(p, "TWO");

    assert_int_equal(channel_receive(&p->parent, &got), OK);
    assert_true(span_eq(got, SPAN("ONE")));
    channel_taken(&p->parent);
    assert_int_equal(channel_receive(&p->parent, &got), OK);
    assert_true(span_eq(got, SPAN("TWO")));
    channel_taken(&p->parent);
    assert_int_equal(channel_receive(&p->parent, &got), ERR_NOT_FOUND);
}

static void an_empty_request_is_one(void **state)
{
    struct pair *p = *state;
    struct span got;

    assert_int_equal(channel_send(&p->parent, SPAN_NONE), OK);
    assert_true(channel_next(&p->worker, &got));

    assert_int_equal(got.len, 0);
}

static void the_bell_rings_once_for_each_time_it_is_asked_for(void **state)
{
    struct pair *p = *state;
    struct span got;

    for (int i = 0; i < 3; i++) {
        assert_int_equal(channel_send(&p->parent, SPAN("x")), OK);
        assert_true(channel_next(&p->worker, &got));
    }
    answer(p, "not asked for");
    assert_false(is_bell_ringing(p));

    assert_true(channel_ask_for_bell(&p->parent)); /* one is there already */
    answer(p, "rings");
    assert_true(is_bell_ringing(p));
    answer(p, "does not");
    assert_false(is_bell_ringing(p));
}

static void no_more_than_all_slots_are_in_work(void **state)
{
    struct pair *p = *state;

    for (size_t i = 0; i < CHANNEL_SLOTS; i++)
        assert_int_equal(channel_send(&p->parent, SPAN("x")), OK);

    assert_int_equal(channel_send(&p->parent, SPAN("x")), ERR_FULL);
    assert_int_equal(channel_in_work(&p->parent), CHANNEL_SLOTS);
}

static void requests_wait_for_space(void **state)
{
    struct pair *p = *state;
    char *large = mem_alloc(CHANNEL_REQUEST_BYTES);
    struct span half = span_make(large, CHANNEL_REQUEST_BYTES / 2 + 1), got;

    assert_int_equal(channel_send(&p->parent, half), OK);
    assert_int_equal(channel_send(&p->parent, half), ERR_FULL);
    assert_true(channel_next(&p->worker, &got));
    answer(p, "done");
    assert_int_equal(channel_receive(&p->parent, &got), OK);
    channel_taken(&p->parent);

    assert_int_equal(channel_send(&p->parent, half), OK);
    mem_free(large);
}

static void stop_ends_the_worker(void **state)
{
    struct pair *p = *state;
    struct span got;

    channel_stop(&p->parent);

    assert_false(channel_next(&p->worker, &got));
}

/* ---- hostile workers ---- */

static void answers_that_nobody_asked_for_are_corrupt(void **state)
{
    struct pair *p = *state;
    struct span got;

    channel_answer_raw(&p->worker, 0, 1);

    assert_int_equal(channel_receive(&p->parent, &got), ERR_CORRUPT);
}

static void a_counter_that_runs_backwards_is_corrupt(void **state)
{
    struct pair *p = *state;
    struct span got;

    assert_int_equal(channel_send(&p->parent, SPAN("x")), OK);
    p->worker.answered = UINT64_MAX - 1;
    channel_answer_raw(&p->worker, 0, 1);

    assert_int_equal(channel_receive(&p->parent, &got), ERR_CORRUPT);
}

static void places_outside_the_region_are_corrupt(void **state)
{
    static const struct {
        uint64_t offset, len;
    } rows[] = {
        { CHANNEL_ANSWER_BYTES, 1 }, { 1, CHANNEL_ANSWER_BYTES }, { UINT64_MAX, 2 },
        { 2, UINT64_MAX },           { UINT64_MAX, UINT64_MAX },
    };
    struct pair *p = *state;
    struct span got;

    assert_int_equal(channel_send(&p->parent, SPAN("x")), OK);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        p->worker.answered = 0;
        channel_answer_raw(&p->worker, rows[i].offset, rows[i].len);
        assert_int_equal(channel_receive(&p->parent, &got), ERR_CORRUPT);
    }
}

static void the_memory_cannot_be_resized(void **state)
{
    struct pair *p = *state;

    assert_int_equal(ftruncate(p->fd, 0), -1);
    assert_int_equal(ftruncate(p->fd, (off_t)1 << 30), -1);
}

/* ---- hello ---- */

static void a_hello_carries_state_and_text(void **state)
{
    struct pair *p = *state;
    char text[CHANNEL_HELLO_SIZE];
    enum channel_state said;

    assert_int_equal(channel_hello(&p->parent, &said, text), OK);
    assert_int_equal(said, CHANNEL_STARTING);
    channel_greet(&p->worker, CHANNEL_VERSION, CHANNEL_READY, "seccomp\x1b[1m\xe4 ~\x7f");
    assert_int_equal(channel_hello(&p->parent, &said, text), OK);

    assert_int_equal(said, CHANNEL_READY);
    assert_string_equal(text, "seccomp?[1m? ~?");
    assert_true(is_bell_ringing(p));
}

static void a_hello_of_another_version_is_refused(void **state)
{
    struct pair *p = *state;
    char text[CHANNEL_HELLO_SIZE];
    enum channel_state said;

    channel_greet(&p->worker, CHANNEL_VERSION + 1, CHANNEL_READY, "");

    assert_int_equal(channel_hello(&p->parent, &said, text), ERR_VERSION);
}

static void a_state_that_does_not_exist_is_refused(void **state)
{
    struct pair *p = *state;
    char text[CHANNEL_HELLO_SIZE];
    enum channel_state said;

    channel_greet(&p->worker, CHANNEL_VERSION, N_CHANNEL_STATES, "");

    assert_int_equal(channel_hello(&p->parent, &said, text), ERR_CORRUPT);
}

/* ---- space ---- */

static void empty_space_starts_at_the_beginning(void **state)
{
    struct channel_space s;
    size_t at;

    (void)state;
    channel_space_init(&s, 1024, 256);
    assert_int_equal(channel_space_room(&s, 1, &at), 1024);
    channel_space_take(&s, at, 500);
    channel_space_release(&s);

    assert_int_equal(channel_space_room(&s, 1, &at), 1024);
    assert_int_equal(at, 0);
}

static void pieces_never_overlap(void **state)
{
    struct channel_space s;
    size_t starts[CHANNEL_SLOTS], ends[CHANNEL_SLOTS];
    uint64_t first = 0, next = 0;
    unsigned random = 1;

    (void)state;
    channel_space_init(&s, 8192, 2048);
    for (int i = 0; i < 200000; i++) {
        size_t want, at, room;

        random = random * 1103515245u + 12345u;
        want = (random >> 8) % 900 + 1;
        room = channel_space_room(&s, want, &at);
        if (!room || (random >> 20) % 3 == 0) {
            if (first < next) {
                channel_space_release(&s);
                first++;
            }
            continue;
        }
        assert_true(room >= want && at + room <= 8192);
        for (uint64_t k = first; k < next; k++)
            assert_true(at + want <= starts[k % CHANNEL_SLOTS] ||
                        at >= ends[k % CHANNEL_SLOTS]);
        channel_space_take(&s, at, want);
        starts[next % CHANNEL_SLOTS] = at;
        ends[next % CHANNEL_SLOTS] = at + want;
        next++;
    }
    assert_true(next > 50000);
}

/* ---- two threads ---- */

#define ROUNDS 20000

static void *echo_worker(void *arg)
{
    struct pair *p = arg;
    struct span request;

    while (channel_next(&p->worker, &request)) {
        size_t room;
        char *at = channel_answer_room(&p->worker, request.len + 1, &room);

        if (!at) {
            channel_wait_taken(&p->worker);
            at = channel_answer_room(&p->worker, request.len + 1, &room);
        }
        if (!at)
            abort();
        memcpy(at, request.ptr, request.len);
        channel_answer(&p->worker, at, request.len);
    }
    return NULL;
}

static void no_wake_up_is_lost_between_two_threads(void **state)
{
    struct pair *p = *state;
    size_t sent = 0, got = 0, wrong = 0;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, echo_worker, p), 0);
    while (got < ROUNDS) {
        char text[32];
        struct span answer_bytes;

        while (sent < ROUNDS && sent - got < 1 + sent % 9) {
            snprintf(text, sizeof text, "request %zu", sent);
            if (channel_send(&p->parent, span_str(text)))
                break;
            sent++;
        }
        if (channel_receive(&p->parent, &answer_bytes) == OK) {
            snprintf(text, sizeof text, "request %zu", got);
            wrong += !span_eq(answer_bytes, span_str(text));
            channel_taken(&p->parent);
            got++;
        } else if (!channel_ask_for_bell(&p->parent)) {
            while (!is_bell_ringing(p))
                ;
        }
    }
    channel_stop(&p->parent);
    pthread_join(thread, NULL);

    assert_int_equal(wrong, 0);
}

/* Answers so large that each needs the whole region. */
static void *large_worker(void *arg)
{
    struct pair *p = arg;
    struct span request;

    while (channel_next(&p->worker, &request)) {
        size_t room;
        char *at;

        channel_wait_taken(&p->worker);
        at = channel_answer_room(&p->worker, CHANNEL_ANSWER_BYTES, &room);
        if (!at)
            abort();
        channel_answer(&p->worker, at, room);
    }
    return NULL;
}

static void a_worker_without_room_sleeps_until_its_answers_are_taken(void **state)
{
    struct pair *p = *state;
    pthread_t thread;
    struct span got;
    size_t n = 0;

    assert_int_equal(pthread_create(&thread, NULL, large_worker, p), 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(channel_send(&p->parent, SPAN("x")), OK);
    while (n < 20) {
        if (channel_receive(&p->parent, &got) == OK) {
            assert_int_equal(got.len, CHANNEL_ANSWER_BYTES);
            usleep(1000); /* long enough for it to fall asleep */
            channel_taken(&p->parent);
            n++;
        }
    }
    channel_stop(&p->parent);
    pthread_join(thread, NULL);
}

#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PAIR(requests_and_answers_come_in_order),
        WITH_PAIR(an_empty_request_is_one),
        WITH_PAIR(the_bell_rings_once_for_each_time_it_is_asked_for),
        WITH_PAIR(no_more_than_all_slots_are_in_work),
        WITH_PAIR(requests_wait_for_space),
        WITH_PAIR(stop_ends_the_worker),
        WITH_PAIR(answers_that_nobody_asked_for_are_corrupt),
        WITH_PAIR(a_counter_that_runs_backwards_is_corrupt),
        WITH_PAIR(places_outside_the_region_are_corrupt),
        WITH_PAIR(the_memory_cannot_be_resized),
        WITH_PAIR(a_hello_carries_state_and_text),
        WITH_PAIR(a_hello_of_another_version_is_refused),
        WITH_PAIR(a_state_that_does_not_exist_is_refused),
        cmocka_unit_test(empty_space_starts_at_the_beginning),
        cmocka_unit_test(pieces_never_overlap),
        WITH_PAIR(no_wake_up_is_lost_between_two_threads),
        WITH_PAIR(a_worker_without_room_sleeps_until_its_answers_are_taken),
    };

    return cmocka_run_group_tests_name("parse/channel", tests, NULL, NULL);
}
