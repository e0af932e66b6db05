/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "parse/chunk.h"
#include "tests/parse/chunk_assert.h"

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_is_answered_for_itself),
    };

    return cmocka_run_group_tests_name("parse/chunk", tests, NULL, NULL);
}
