/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "parse/bytes8.h"

/* Neighbours that would carry into each other if the answers were not exact. */
static const unsigned char hard[] = { 0, 1, ' ' - 1, ' ', ' ' + 1, 0x7E, 0x7F, 0x80, 0x81, 0xA0, 0xFF };

static void each_byte_is_answered_for_itself(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        for (size_t i = 0; i < 8 * ARRAY_LEN(hard) * ARRAY_LEN(hard); i++) {
            unsigned char bytes[8];
            size_t at = i % 8, before = i / 8 % ARRAY_LEN(hard), behind = i / 8 / ARRAY_LEN(hard);

            memset(bytes, hard[before], at);
            memset(bytes + at, hard[behind], 8 - at);
            bytes[at] = (unsigned char)c;
            uint64_t w = bytes8_load(bytes), zero = 0, equal = 0, below = 0;
            for (unsigned j = 0; j < 8; j++) {
                zero |= (uint64_t)(bytes[j] == 0 ? 0x80 : 0) << 8 * j;
                equal |= (uint64_t)(bytes[j] == ' ' ? 0x80 : 0) << 8 * j;
                below |= (uint64_t)(bytes[j] < '!' ? 0x80 : 0) << 8 * j;
            }
            assert_int_equal(bytes8_zero(w), zero);
            assert_int_equal(bytes8_equal(w, ' '), equal);
            assert_int_equal(bytes8_below(w, '!'), below);
        }
    }
}

static void marks_are_found_and_counted(void **state)
{
    (void)state;
    for (unsigned set = 1; set < 256; set++) {
        uint64_t marks = 0;
        size_t first = 0;

        for (unsigned i = 0; i < 8; i++)
            marks |= (uint64_t)(set >> i & 1) << (8 * i + 7);
        while (!(set >> first & 1))
            first++;
        assert_int_equal(bytes8_first(marks), first);
        assert_int_equal(bytes8_count(marks), __builtin_popcount(set));
        assert_int_equal(bytes8_count(marks & bytes8_before(first)), 0);
    }
}

static void a_few_bytes_are_loaded_alone(void **state)
{
    char *bytes = malloc(7), eight[8];

    (void)state;
    for (size_t n = 0; n < 8; n++) {
        char *few = bytes + 7 - n; /* its end is the block's, for the sanitizer */
        memset(eight, 0, sizeof eight);
        for (size_t i = 0; i < n; i++)
            few[i] = eight[i] = (char)('a' + i);
        assert_int_equal(bytes8_load_few(few, n), bytes8_load(eight));
    }
    bytes8_store(eight, BYTES8('x'));
    assert_memory_equal(eight, "xxxxxxxx", 8);
    free(bytes);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_is_answered_for_itself),
        cmocka_unit_test(marks_are_found_and_counted),
        cmocka_unit_test(a_few_bytes_are_loaded_alone),
    };

    return cmocka_run_group_tests_name("parse/bytes8", tests, NULL, NULL);
}
