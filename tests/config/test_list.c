/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/list.h"

struct item {
    int before; /* so that the node is not the first member */
    struct list_node node;
    char name;
};

/* The names in order, both ways compared. */
static const char *names(struct list_node *head)
{
    static char text[32];
    size_t n = 0, back = 0;

    LIST_EACH(at, head)
        text[n++] = CONTAINER_OF(at, struct item, node)->name;
    for (struct list_node *at = head->prev; at != head; at = at->prev)
        assert_int_equal(CONTAINER_OF(at, struct item, node)->name, text[n - ++back]);
    assert_int_equal(back, n);
    text[n] = '\0';
    return text;
}

static void nodes_go_where_they_are_put(void **state)
{
    struct item a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c' },
                d = { .name = 'd' };
    struct list_node head;

    (void)state;
    list_init(&head);
    assert_true(list_is_empty(&head));
    list_add_last(&head, &b.node);
    list_add_first(&head, &a.node);
    list_add_last(&head, &d.node);
    list_add_before(&d.node, &c.node);
    assert_false(list_is_empty(&head));
    assert_string_equal(names(&head), "abcd");
}

static void removing_may_be_repeated(void **state)
{
    struct item a = { .name = 'a' }, b = { .name = 'b' };
    struct list_node head;

    (void)state;
    list_init(&head);
    list_init(&b.node);
    list_remove(&b.node);
    list_add_last(&head, &a.node);
    list_add_last(&head, &b.node);
    list_remove(&a.node);
    list_remove(&a.node);
    assert_string_equal(names(&head), "b");
    assert_true(list_is_empty(&a.node));
}

static void taking_empties_from_the_front(void **state)
{
    struct item a = { .name = 'a' }, b = { .name = 'b' };
    struct list_node head;

    (void)state;
    list_init(&head);
    assert_null(list_take_first(&head));
    list_add_last(&head, &a.node);
    list_add_last(&head, &b.node);
    assert_ptr_equal(list_take_first(&head), &a.node);
    assert_ptr_equal(list_take_first(&head), &b.node);
    assert_null(list_take_first(&head));
    assert_true(list_is_empty(&head));
}

static void a_safe_walk_may_remove_where_it_stands(void **state)
{
    struct item items[6];
    struct list_node head;

    (void)state;
    list_init(&head);
    for (int i = 0; i < 6; i++) {
        items[i].name = (char)('a' + i);
        list_add_last(&head, &items[i].node);
    }
    LIST_EACH_SAFE(at, &head)
        if (CONTAINER_OF(at, struct item, node)->name % 2)
            list_remove(at);
    assert_string_equal(names(&head), "bdf");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_go_where_they_are_put),
        cmocka_unit_test(removing_may_be_repeated),
        cmocka_unit_test(taking_empties_from_the_front),
        cmocka_unit_test(a_safe_walk_may_remove_where_it_stands),
    };

    return cmocka_run_group_tests_name("config/list", tests, NULL, NULL);
}
