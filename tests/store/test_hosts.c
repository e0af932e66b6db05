/* SPDX-License-Identifier: MIT */
/* What is remembered of an origin between runs: politeness and robots.txt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/kit/storekit.h"

static struct storekit kit;

static int set_up(void **state)
{
    storekit_init(&kit);
    storekit_open(&kit, REVISIT_ALL);
    storekit_seed(&kit, "http://a.example/");
    *state = &kit;
    return 0;
}

static struct store_op *load(struct storekit *k, int64_t host_id)
{
    struct store_op *op = store_op_new(STORE_HOST_LOAD, MIB);

    op->u.host.host_id = host_id;
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    return op;
}

static void save(struct storekit *k, const struct store_host_state *s)
{
    struct store_op *op = store_op_new(STORE_HOST_SAVE, MIB);

    op->u.host = *s;
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
}

static void a_new_host_has_no_past(void **state)
{
    struct store_op *op = load(*state, 1);

    assert_int_equal(op->u.host.host_id, 1);
    assert_int_equal(op->u.host.next_fetch_ms, 0);
    assert_int_equal(op->u.host.backoff_until_ms, 0);
    assert_int_equal(op->u.host.failures, 0);
    assert_int_equal(op->u.host.crawl_delay_ms, -1);
    assert_false(op->u.host.has_robots);
    store_op_free(op);
}

static void an_unknown_host_is_like_a_new_one(void **state)
{
    struct store_op *op = load(*state, 99);

    assert_int_equal(op->u.host.crawl_delay_ms, -1);
    assert_false(op->u.host.has_robots);
    store_op_free(op);
}

static void politeness_survives_a_restart(void **state)
{
    struct storekit *k = *state;
    struct store_op *op;

    save(k, &(struct store_host_state){ .host_id = 1,
                                        .next_fetch_ms = 11,
                                        .backoff_until_ms = 22,
                                        .failures = 3,
                                        .crawl_delay_ms = 5000,
                                        .ip = SPAN("192.0.2.7") });
    storekit_stop(k, true);
    storekit_open(k, REVISIT_ALL);
    op = load(k, 1);
    assert_int_equal(op->u.host.next_fetch_ms, 11);
    assert_int_equal(op->u.host.backoff_until_ms, 22);
    assert_int_equal(op->u.host.failures, 3);
    assert_int_equal(op->u.host.crawl_delay_ms, 5000);
    assert_true(span_eq(op->u.host.ip, SPAN("192.0.2.7")));
    store_op_free(op);
}

static void a_crawl_delay_can_go_away(void **state)
{
    struct storekit *k = *state;
    struct store_op *op;

    save(k, &(struct store_host_state){ .host_id = 1, .crawl_delay_ms = 0 });
    op = load(k, 1);
    assert_int_equal(op->u.host.crawl_delay_ms, 0);
    store_op_free(op);
    save(k, &(struct store_host_state){ .host_id = 1, .crawl_delay_ms = -1 });
    op = load(k, 1);
    assert_int_equal(op->u.host.crawl_delay_ms, -1);
    store_op_free(op);
}

static void robots_txt_is_kept_with_its_hash(void **state)
{
    struct storekit *k = *state;
    struct store_op *op;
    char text[512];

    save(k, &(struct store_host_state){ .host_id = 1,
                                        .crawl_delay_ms = -1,
                                        .has_robots = true,
                                        .robots_fetched_ms = 5,
                                        .robots_expires_ms = 6,
                                        .robots_status = 200,
                                        .robots_outcome = SPAN("ok"),
                                        .robots_body = SPAN("abc") });
    op = load(k, 1);
    assert_true(op->u.host.has_robots);
    assert_int_equal(op->u.host.robots_fetched_ms, 5);
    assert_int_equal(op->u.host.robots_expires_ms, 6);
    assert_int_equal(op->u.host.robots_status, 200);
    assert_true(span_eq(op->u.host.robots_outcome, SPAN("ok")));
    assert_true(span_eq(op->u.host.robots_body, SPAN("abc")));
    store_op_free(op);
    /* FIPS 180-4's own example. */
    assert_string_equal(
        storekit_text(k, "SELECT sha256 FROM robots", text),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(
        storekit_text(k, "SELECT robots_state || robots_fetched_at FROM hosts", text),
        "ok5");
}

static void saving_politeness_leaves_robots_txt_alone(void **state)
{
    struct storekit *k = *state;
    struct store_op *op;

    save(k, &(struct store_host_state){ .host_id = 1,
                                        .crawl_delay_ms = -1,
                                        .has_robots = true,
                                        .robots_outcome = SPAN("ok"),
                                        .robots_body = SPAN("User-agent: *") });
    save(k, &(struct store_host_state){
                .host_id = 1, .crawl_delay_ms = -1, .failures = 1 });
    op = load(k, 1);
    assert_true(op->u.host.has_robots);
    assert_true(span_eq(op->u.host.robots_body, SPAN("User-agent: *")));
    store_op_free(op);
}

static void a_body_too_large_for_the_asker_is_none(void **state)
{
    struct storekit *k = *state;
    struct store_op *op = store_op_new(STORE_HOST_SAVE, 2 * MIB);
    char *body = arena_alloc(&op->mem, 600000);

    memset(body, 'x', 600000);
    op->u.host = (struct store_host_state){ .host_id = 1,
                                            .crawl_delay_ms = -1,
                                            .has_robots = true,
                                            .robots_outcome = SPAN("ok"),
                                            .robots_body = span_make(body, 600000) };
    storekit_do(k, op);
    store_op_free(op);
    op = store_op_new(STORE_HOST_LOAD, 100000);
    op->u.host.host_id = 1;
    op->u.host.wants_large_robots = true;
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    assert_false(op->u.host.has_robots);
    store_op_free(op);
    /* Who did not ask for it is told its size. */
    op = load(k, 1);
    assert_true(op->u.host.has_robots);
    assert_int_equal(op->u.host.robots_size, 600000);
    assert_int_equal(op->u.host.robots_body.len, 0);
    store_op_free(op);
}

static void pages_and_bytes_are_counted(void **state)
{
    struct storekit *k = *state;
    char text[512];

    storekit_fetch(k, 1, 0, "one", NULL);
    storekit_fetch(k, storekit_seed(k, "http://a.example/2"), 0, "two", NULL);
    assert_string_equal(
        storekit_text(k, "SELECT pages || ' ' || bytes || ' ' || run_pages FROM hosts",
                      text),
        "2 1000 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_host_has_no_past, set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(an_unknown_host_is_like_a_new_one, set_up,
                                        storekit_tear_down),
        cmocka_unit_test_setup_teardown(politeness_survives_a_restart, set_up,
                                        storekit_tear_down),
        cmocka_unit_test_setup_teardown(a_crawl_delay_can_go_away, set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(robots_txt_is_kept_with_its_hash, set_up,
                                        storekit_tear_down),
        cmocka_unit_test_setup_teardown(saving_politeness_leaves_robots_txt_alone,
                                        set_up, storekit_tear_down),
        cmocka_unit_test_setup_teardown(a_body_too_large_for_the_asker_is_none, set_up,
                                        storekit_tear_down),
        cmocka_unit_test_setup_teardown(pages_and_bytes_are_counted, set_up, storekit_tear_down),
    };

    return cmocka_run_group_tests_name("store/hosts", tests, NULL, NULL);
}
