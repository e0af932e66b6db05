/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "config/err.h"

static void every_error_has_a_name_and_a_text(void **state)
{
    (void)state;
    assert_int_equal(OK, 0);
    for (int e = OK; e <= ERR_UNSUPPORTED; e++) {
        assert_string_not_equal(err_name((enum err)e), "ERR_UNKNOWN");
        assert_true(strlen(err_text((enum err)e)) > 0);
    }
    assert_string_equal(err_name(ERR_TIMEOUT), "ERR_TIMEOUT");
    assert_string_equal(err_text(ERR_TIMEOUT), "deadline passed");
    assert_string_equal(err_name((enum err)9999), "ERR_UNKNOWN");
    assert_string_equal(err_text((enum err)9999), "unknown error");
}

static void setting_returns_the_error_and_fills_the_note(void **state)
{
    struct err_note note;

    (void)state;
    assert_int_equal(err_set(&note, ERR_USAGE, "%s: %d", "x", 5), ERR_USAGE);
    assert_string_equal(note.text, "x: 5");
    assert_int_equal(err_set(NULL, ERR_IO, "%s", "x"), ERR_IO);
    assert_int_equal(err_set_errno(NULL, ERR_IO, ENOENT, "%s", "x"), ERR_IO);
}

static void errno_is_told_in_words(void **state)
{
    struct err_note note;

    (void)state;
    assert_int_equal(err_set_errno(&note, ERR_IO, ENOENT, "cannot open %s", "f"),
                     ERR_IO);
    assert_string_equal(note.text, "cannot open f: No such file or directory");
    err_set_errno(&note, ERR_IO, 99999, "x");
    assert_non_null(strstr(note.text, "x: "));
}

static void a_long_note_is_cut_and_ended(void **state)
{
    char text[2000];
    struct err_note note;

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    err_set(&note, ERR_USAGE, "%s", text);
    assert_int_equal(strlen(note.text), sizeof note.text - 1);
    err_set_errno(&note, ERR_IO, ENOENT, "%s", text);
    assert_int_equal(strlen(note.text), sizeof note.text - 1);
    err_set_errno(&note, ERR_IO, ENOENT, "%s",
                  text + sizeof text - sizeof note.text + 3);
    assert_int_equal(strlen(note.text), sizeof note.text - 1);
}

static void a_cut_note_ends_with_a_whole_character(void **state)
{
    char text[2000];
    struct err_note note;

    (void)state;
    for (size_t skip = 0; skip < 3; skip++) {
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = "\xe4\xb8\xad"[i % 3];
        text[sizeof text - 1] = '\0';
        err_set(&note, ERR_USAGE, "%.*s%s", (int)skip, "ab", text);
        assert_true(((unsigned char)note.text[strlen(note.text) - 1] & 0xc0) == 0x80);
        assert_int_equal((strlen(note.text) - MIN(skip, (size_t)2)) % 3, 0);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_a_name_and_a_text),
        cmocka_unit_test(setting_returns_the_error_and_fills_the_note),
        cmocka_unit_test(errno_is_told_in_words),
        cmocka_unit_test(a_long_note_is_cut_and_ended),
        cmocka_unit_test(a_cut_note_ends_with_a_whole_character),
    };

    return cmocka_run_group_tests_name("config/err", tests, NULL, NULL);
}
