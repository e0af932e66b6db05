/* SPDX-License-Identifier: MIT */
/*
 * What parsers die of is kept as a reproducer: for every way out of the sandbox
 * that is tried and every lie (P5, P6), in a bounded folder that is ours alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/io.h"
#include "crawler/quarantine.h"
#include "crawler/zygote.h"
#include "tests/kit/program.h"
#include "tests/kit/stage.h"

#define BODY "<title>\xff\0hostile</title>"

struct misdeed {
    const char *command;
    bool needs_sandbox; /* which sanitizers do not go with */
};

struct seen {
    const char *command;
    struct said said;
    struct quarantine *q;
    char path[QUARANTINE_PATH_SIZE];
    enum err added;
    size_t n_victims;
    struct err_note note;
};

static void on_victim(void *arg, const struct pool_victim *v)
{
    struct seen *seen = arg;

    seen->n_victims++;
    seen->added = quarantine_add(seen->q, v, seen->path, &seen->note);
}

/* --- by a worker that misbehaves ------------------------------------------------------- */

static intptr_t misdeed_scenario(void *arg)
{
    struct seen *seen = arg;
    struct job job = stage_command(seen->command);
    struct stage st;

    stage_init(&st, 1);
    st.options.job_cpu_ms = 100;
    st.options.on_victim = on_victim;
    st.options.victim_arg = seen;
    stage_open(&st);
    job.kind = JOB_PAGE;
    job.content_type = SPAN("text/html");
    job.headers = SPAN("Server: a \"b\"\r\nX-Odd: \xe9\r\n");
    job.inline_body = SPAN(BODY);
    seen->said = stage_ask_job(&st, &job);
    (void)stage_ask(&st, "echo");
    stage_close(&st);
    return 0;
}

static struct buf read_all(const char *path)
{
    struct err_note note;
    struct buf text;

    buf_init(&text, (size_t)MIB);
    assert_int_equal(io_read_file(path, &text, &note), OK);
    return text;
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static void assert_has(const struct buf *text, const char *part)
{
    if (span_find_span(buf_span(text), span_str(part)) == text->len)
        fail_msg("%.*s has no %s", (int)text->len, text->ptr, part);
}

static void a_page_that_parsers_die_of_is_kept_with_its_bytes(void **state)
{
    const struct misdeed *misdeed = *state;
    struct seen seen = { .command = misdeed->command };
    struct program p;
    struct buf text;
    char why[300];

    if (misdeed->needs_sandbox && STAGE_IS_SANITIZED)
        skip();
    program_open(&p);
    seen.q = quarantine_new(program_path(&p, "a.db"), 5);
    in_coroutine(misdeed_scenario, &seen);
    assert_int_equal(quarantine_close(seen.q, &seen.note), OK);

    assert_int_not_equal(seen.said.failure, POOL_OK);
    assert_int_equal(seen.n_victims, 1);
    assert_int_equal(seen.added, OK);
    assert_string_equal(seen.path,
                        program_path(&p, "a.db-quarantine/page-000001.json"));
    assert_int_equal(mode_of(program_path(&p, "a.db-quarantine")), 0700);
    assert_int_equal(mode_of(seen.path), 0600);
    text = read_all(seen.path);
    snprintf(why, sizeof why, "\"why\":\"%s\"", seen.said.detail);
    assert_has(&text, why);
    assert_has(&text, "\"inspect\":\"links\"");
    assert_has(&text, "\"url\":\"http://example.org/\"");
    assert_has(&text, "\"content_type\":\"text/html\"");
    assert_has(&text, "[\"Server\",\"a \\\"b\\\"\"],[\"X-Odd\",\"\xc3\xa9\"]");
    assert_has(&text, "\"body_b64\":\"PHRpdGxlPv8AaG9zdGlsZTwvdGl0bGU+\"}\n");
    buf_clear(&text);
    program_close(&p);
}

/* --- limits and odd folders ------------------------------------------------------------- */

static enum err add(struct seen *seen, uint8_t kind, struct span body)
{
    const struct job job = { .kind = kind, .url = SPAN("http://a.test/") };
    const struct pool_victim v = { &job, body, POOL_CRASHED, "signal 11" };

    return quarantine_add(seen->q, &v, seen->path, &seen->note);
}

static void files_are_counted_with_those_of_earlier_runs(void **state)
{
    struct seen seen = { 0 };
    struct program p;

    (void)state;
    program_open(&p);
    seen.q = quarantine_new(program_path(&p, "b.db"), 3);
    assert_int_equal(add(&seen, JOB_PAGE, SPAN("1")), OK);
    assert_int_equal(add(&seen, JOB_SITEMAP, SPAN("2")), OK);
    assert_int_equal(quarantine_close(seen.q, &seen.note), OK);

    seen.q = quarantine_new(program_path(&p, "b.db"), 3);
    assert_int_equal(add(&seen, JOB_INSPECT, SPAN("no page")), ERR_UNSUPPORTED);
    assert_int_equal(add(&seen, JOB_ROBOTS, SPAN("3")), OK);
    assert_string_equal(seen.path,
                        program_path(&p, "b.db-quarantine/robots-000003.json"));
    assert_int_equal(add(&seen, JOB_PAGE, SPAN("4")), ERR_FULL);
    assert_int_equal(quarantine_close(seen.q, &seen.note), OK);
    assert_int_equal(
        access(program_path(&p, "b.db-quarantine/sitemap-000002.json"), F_OK), 0);
    assert_int_not_equal(
        access(program_path(&p, "b.db-quarantine/page-000004.json"), F_OK), 0);
    program_close(&p);
}

static void bytes_are_bounded_however_few_the_files(void **state)
{
    static char body[24 << 20];
    struct seen seen = { 0 };
    struct program p;

    (void)state;
    program_open(&p);
    seen.q = quarantine_new(program_path(&p, "c.db"), 100);
    assert_int_equal(add(&seen, JOB_PAGE, span_make(body, sizeof body)), OK);
    assert_int_equal(add(&seen, JOB_PAGE, span_make(body, sizeof body)), ERR_FULL);
    assert_int_equal(add(&seen, JOB_PAGE, SPAN("small")), OK);
    assert_int_equal(quarantine_close(seen.q, &seen.note), OK);
    program_close(&p);
}

static void zero_keeps_nothing_and_makes_no_folder(void **state)
{
    struct seen seen = { 0 };
    struct program p;

    (void)state;
    program_open(&p);
    seen.q = quarantine_new(program_path(&p, "d.db"), 0);
    assert_int_equal(add(&seen, JOB_PAGE, SPAN("1")), ERR_UNSUPPORTED);
    assert_int_equal(quarantine_close(seen.q, &seen.note), OK);
    assert_int_not_equal(access(program_path(&p, "d.db-quarantine"), F_OK), 0);
    program_close(&p);
}

static void planted_folders_are_refused(void **state)
{
    struct seen seen = { 0 };
    struct program p;

    (void)state;
    program_open(&p);
    assert_int_equal(mkdir(program_path(&p, "elsewhere"), 0700), 0);
    assert_int_equal(symlink("elsewhere", program_path(&p, "e.db-quarantine")), 0);
    seen.q = quarantine_new(program_path(&p, "e.db"), 9);
    assert_int_equal(add(&seen, JOB_PAGE, SPAN("1")), ERR_REFUSED);
    assert_int_equal(quarantine_close(seen.q, &seen.note), OK);

    assert_int_equal(mkdir(program_path(&p, "f.db-quarantine"), 0700), 0);
    assert_int_equal(chmod(program_path(&p, "f.db-quarantine"), 0777), 0);
    seen.q = quarantine_new(program_path(&p, "f.db"), 9);
    assert_int_equal(add(&seen, JOB_PAGE, SPAN("1")), ERR_REFUSED);
    assert_int_equal(quarantine_close(seen.q, &seen.note), OK);
    program_close(&p);
}

static void a_file_that_is_there_already_is_left_alone(void **state)
{
    struct seen seen = { 0 };
    struct program p;
    struct buf text;

    (void)state;
    program_open(&p);
    seen.q = quarantine_new(program_path(&p, "g.db"), 9);
    assert_int_equal(add(&seen, JOB_PAGE, SPAN("1")), OK);
    assert_int_equal(
        symlink("/dev/full", program_path(&p, "g.db-quarantine/page-000002.json")), 0);
    assert_int_equal(add(&seen, JOB_PAGE, SPAN("2")), OK);
    assert_int_equal(quarantine_close(seen.q, &seen.note), ERR_IO);
    assert_non_null(strstr(seen.note.text, "page-000002.json"));
    text = read_all(program_path(&p, "g.db-quarantine/page-000001.json"));
    assert_has(&text, "\"body_b64\":\"MQ==\"");
    buf_clear(&text);
    program_close(&p);
}

int main(int argc, char **argv)
{
    static const struct misdeed misdeeds[] = {
        { "crash", false },       { "hang", false },       { "eat-memory", true },
        { "open-file", true },    { "socket", true },      { "fork", true },
        { "exec", true },         { "ptrace", true },      { "kill", true },
        { "write-region", true }, { "scribble", false },   { "lie-enum", false },
        { "lie-utf8", false },    { "lie-bounds", false }, { "lie-noise", false },
    };
    static const struct CMUnitTest plain[] = {
        cmocka_unit_test(files_are_counted_with_those_of_earlier_runs),
        cmocka_unit_test(bytes_are_bounded_however_few_the_files),
        cmocka_unit_test(zero_keeps_nothing_and_makes_no_folder),
        cmocka_unit_test(planted_folders_are_refused),
        cmocka_unit_test(a_file_that_is_there_already_is_left_alone),
    };
    struct CMUnitTest rows[ARRAY_LEN(misdeeds)];
    int rc;

    if (stage_zygote(argc, argv, &rc))
        return rc;
    for (size_t i = 0; i < ARRAY_LEN(misdeeds); i++)
        rows[i] = (struct CMUnitTest){
            .name = misdeeds[i].command,
            .test_func = a_page_that_parsers_die_of_is_kept_with_its_bytes,
            .initial_state = (void *)(uintptr_t)&misdeeds[i],
        };
    rc = cmocka_run_group_tests_name("crawler/quarantine: after", rows, NULL, NULL);
    rc += cmocka_run_group_tests_name("crawler/quarantine", plain, NULL, NULL);
    zygote_stop();
    return rc;
}
