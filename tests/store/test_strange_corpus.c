/* SPDX-License-Identifier: MIT */
/* What the fuzz target of databases met (tests/fuzz/corpus/database), and some changes more, drawn by a fixed seed. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "config/io.h"
#include "config/mem.h"
#include "tests/kit/strange.h"

#define CORPUS  "tests/fuzz/corpus/database"
#define N_DRAWN 200
#define LONGEST 48

static struct strange *strange;

static int set_up(void **state)
{
    (void)state;
    strange = strange_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    strange_free(strange);
    return 0;
}

static void run_file(const char *name)
{
    struct err_note note = { "" };
    struct buf content;
    char path[512];

    snprintf(path, sizeof path, CORPUS "/%s", name);
    buf_init(&content, MIB);
    assert_int_equal(io_read_file(path, &content, &note), OK);
    strange_run(strange, (const uint8_t *)content.ptr, content.len);
    buf_clear(&content);
}

static void what_was_met_is_read_and_continued(void **state)
{
    DIR *folder = opendir(CORPUS);
    const struct dirent *entry;
    size_t n = 0;

    (void)state;
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.') {
            run_file(entry->d_name);
            n++;
        }
    closedir(folder);
    assert_true(n > 0);
}

static void changes_drawn_by_a_seed_are_read_and_continued(void **state)
{
    uint64_t drawn = 20261201;

    (void)state;
    for (size_t i = 0; i < N_DRAWN; i++) {
        uint8_t bytes[LONGEST];

        for (size_t k = 0; k < sizeof bytes; k++) {
            drawn = drawn * UINT64_C(6364136223846793005) + 1442695040888963407; /* Knuth's MMIX */
            bytes[k] = (uint8_t)(drawn >> 56);
        }
        strange_run(strange, bytes, 8 + bytes[0] % (sizeof bytes - 7));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_met_is_read_and_continued),
        cmocka_unit_test(changes_drawn_by_a_seed_are_read_and_continued),
    };

    return cmocka_run_group_tests_name("store/strange_corpus", tests, set_up, tear_down);
}
