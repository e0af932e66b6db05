/* SPDX-License-Identifier: MIT */
#include "store/roll.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/mem.h"

#define PLENTY ((size_t)MIB)

static void add(struct roll *r, int64_t id)
{
    roll_add(r, &(struct roll_page){ .url_id = id, .links_id = id * 10, .word_count = 7 });
}

static void pages_come_in_the_order_in_which_they_were_added(void **state)
{
    struct roll *r = roll_new(PLENTY);
    const struct roll_page *pages;
    size_t n;

    (void)state;
    assert_true(roll_is_new(r));
    assert_null(roll_pages(r, &n));
    for (int64_t id = 5000; id > 0; id--) /* more than there is room for at first */
        add(r, id);
    assert_false(roll_is_new(r));
    pages = roll_pages(r, &n);
    assert_int_equal(n, 5000);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(pages[i].url_id, 5000 - (int64_t)i);
        assert_int_equal(pages[i].links_id, pages[i].url_id * 10);
    }
    roll_free(r);
}

static void assert_forgotten(struct roll *r)
{
    size_t n;

    assert_null(roll_pages(r, &n));
    add(r, 1);
    assert_null(roll_pages(r, &n));
    assert_int_equal(n, 0);
    assert_false(roll_is_new(r));
    roll_free(r);
}

static void what_is_forgotten_stays_so(void **state)
{
    struct roll *r = roll_new(PLENTY);

    (void)state;
    add(r, 3);
    roll_forget(r);
    assert_forgotten(r);
}

static void what_does_not_fit_makes_it_forget_all(void **state)
{
    struct roll *r = roll_new((size_t)64 * KIB);
    size_t n;

    (void)state;
    for (int64_t id = 1; id <= 1024; id++)
        add(r, id);
    assert_non_null(roll_pages(r, &n));
    add(r, 1025); /* room for 2048 would have 96 KiB */
    assert_forgotten(r);
}

static void want_of_memory_makes_it_forget_all(void **state)
{
    struct roll *r = roll_new(PLENTY);

    (void)state;
    mem_fail_after(1);
    add(r, 1);
    mem_fail_after(0);
    assert_forgotten(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_come_in_the_order_in_which_they_were_added),
        cmocka_unit_test(what_is_forgotten_stays_so),
        cmocka_unit_test(what_does_not_fit_makes_it_forget_all),
        cmocka_unit_test(want_of_memory_makes_it_forget_all),
    };

    return cmocka_run_group_tests_name("store/roll", tests, NULL, NULL);
}
