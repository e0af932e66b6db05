/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define CHUNK_PLAIN /* as on a machine without SSE2 */
#include "parse/chunk.h"
#include "tests/parse/chunk_assert.h"

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_is_answered_for_itself),
    };

    return cmocka_run_group_tests_name("parse/chunk_plain", tests, NULL, NULL);
}
