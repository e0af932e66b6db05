/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/clock.h"
#include "config/io.h"
#include "config/log.h"
#include "config/mem.h"

/* What reached the sink. */
static struct {
    char last[5000];
    size_t n;
} seen;

static void remember(void *arg, enum log_level level, struct span record)
{
    (void)arg;
    (void)level;
    snprintf(seen.last, sizeof seen.last, "%.*s", SPAN_ARG(record));
    seen.n++;
}

static int start(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof seen);
    clock_fake_start(100 * NS_PER_S, INT64_C(1700000000123));
    log_set_level(LOG_INFO);
    log_set_sink(remember, NULL);
    return 0;
}

static int put_back(void **state)
{
    (void)state;
    log_flush();
    log_set_sink(NULL, NULL);
    log_set_level(LOG_WARN);
    log_close();
    clock_fake_stop();
    return 0;
}

/* --- records ------------------------------------------------------------------------ */

static void a_record_says_when_how_bad_who_and_what(void **state)
{
    (void)state;
    log_warn("fetch", "host-backoff", "host %s waits %d s", "a.org", 5);
    assert_string_equal(
        seen.last,
        "2023-11-14T22:13:20.123Z warn fetch host-backoff host a.org waits 5 s");
    log_error("store", "x", "e");
    assert_non_null(strstr(seen.last, " error store x e"));
    log_info("store", "x", "i");
    assert_non_null(strstr(seen.last, " info store x i"));
}

static void records_above_the_level_are_dropped(void **state)
{
    (void)state;
    log_set_level(LOG_WARN);
    log_info("a", "b", "no");
    assert_int_equal(seen.n, 0);
    log_warn("a", "b", "yes");
    assert_int_equal(seen.n, 1);
    log_set_level(LOG_ERROR);
    log_warn("a", "b", "no");
    assert_int_equal(seen.n, 1);
}

static void a_newline_cannot_forge_a_record(void **state)
{
    (void)state;
    log_warn("a", "b", "title \"%s\"",
             "x\r\n2026-01-01T00:00:00.000Z error store corrupt all lost");
    assert_null(strchr(seen.last, '\n'));
    assert_null(strchr(seen.last, '\r'));
    assert_non_null(strstr(seen.last, "x\\x0D\\x0A2026"));
    assert_int_equal(seen.n, 1);
}

static void a_long_record_is_cut_to_a_pipe_buffer_of_whole_characters(void **state)
{
    char text[9000];
    struct span record;

    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = "\x1b\xe4\xb8\xad"[i % 4];
    text[sizeof text - 1] = '\0';
    for (size_t skip = 0; skip < 8; skip++) {
        log_warn("a", "b", "%.*s%s", (int)skip, "12345678", text);
        record = span_str(seen.last);
        assert_true(record.len > 2000 && record.len < 4096);
        assert_true(span_is_utf8(record));
    }
}

static void a_message_that_is_too_long_ends_where_it_is_cut(void **state)
{
    char text[9000];

    (void)state;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    log_warn("a", "b", "<%s", text);
    assert_non_null(strchr(seen.last, '<'));
    assert_int_equal(strspn(strchr(seen.last, '<') + 1, "x"), 2046);
    assert_string_equal(strchr(seen.last, '<') + 2047, "");
}

/* --- escaping --------------------------------------------------------------------------- */

static const struct escape_row {
    const char *label, *in, *want;
} escape_rows[] = {
    { "plain text stays", "plain text, 100%", "plain text, 100%" },
    { "umlauts, CJK and emoji stay", "\xc3\xa4 \xe4\xb8\xad \xf0\x9f\x98\x80",
      "\xc3\xa4 \xe4\xb8\xad \xf0\x9f\x98\x80" },
    { "C0 controls", "\x01\t\n\r\x1b[31m", "\\x01\\x09\\x0A\\x0D\\x1B[31m" },
    { "delete", "\x7f", "\\x7F" },
    { "C1 as UTF-8",
      "\xc2\x80\xc2\x9b"
      "31m\xc2\x9f",
      "\\xC2\\x80\\xC2\\x9B31m\\xC2\\x9F" },
    { "the character after C1 stays", "\xc2\xa0", "\xc2\xa0" },
    { "C1 as a raw byte",
      "\x9b"
      "31m",
      "\\x9B31m" },
    { "bidi override",
      "a\xe2\x80\xae"
      "b",
      "a\\xE2\\x80\\xAEb" },
    { "bidi isolate", "\xe2\x81\xa6", "\\xE2\\x81\\xA6" },
    { "right-to-left mark", "\xe2\x80\x8f", "\\xE2\\x80\\x8F" },
    { "Arabic letter mark", "\xd8\x9c", "\\xD8\\x9C" },
    { "line separator", "\xe2\x80\xa8", "\\xE2\\x80\\xA8" },
    { "zero-width space", "\xe2\x80\x8b", "\\xE2\\x80\\x8B" },
    { "byte order mark", "\xef\xbb\xbf", "\\xEF\\xBB\\xBF" },
    { "tag characters", "\xf3\xa0\x81\xa1", "\\xF3\\xA0\\x81\\xA1" },
    { "a lone lead byte", "a\xc3", "a\\xC3" },
    { "a lead byte before ASCII", "\xc3(", "\\xC3(" },
    { "a lone continuation byte", "\x80", "\\x80" },
    { "overlong", "\xc0\xaf", "\\xC0\\xAF" },
    { "overlong ESC", "\xe0\x80\x9b", "\\xE0\\x80\\x9B" },
    { "a surrogate", "\xed\xa0\x80", "\\xED\\xA0\\x80" },
    { "beyond Unicode", "\xf4\x90\x80\x80", "\\xF4\\x90\\x80\\x80" },
    { "0xFF", "\xff\xfe", "\\xFF\\xFE" },
    { "a cut sequence", "\xe4\xb8", "\\xE4\\xB8" },
    { "empty", "", "" },
};

static void check_escape(void **state)
{
    const struct escape_row *row = *state;
    struct buf out;

    buf_init(&out, 1000);
    assert_int_equal(log_escape(&out, span_str(row->in)), OK);
    assert_true(span_eq(buf_span(&out), span_str(row->want)));
    buf_clear(&out);
}

static void a_nul_byte_is_escaped(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    assert_int_equal(log_escape(&out, span_make("a\0b", 3)), OK);
    assert_true(span_eq(buf_span(&out), SPAN("a\\x00b")));
    buf_clear(&out);
}

static void no_byte_sequence_gets_through_unsafe(void **state)
{
    uint32_t random = 7;
    struct buf out;
    char bytes[64];

    (void)state;
    buf_init(&out, 1000);
    for (int round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof bytes; i++) {
            random = random * 1664525 + 1013904223;
            bytes[i] = (char)(random >> 24 | (random >> 20 & 0x80));
        }
        buf_reset(&out);
        assert_int_equal(log_escape(&out, span_make(bytes, sizeof bytes)), OK);
        assert_true(span_is_utf8(buf_span(&out)));
        for (size_t i = 0; i < out.len; i++) {
            assert_true((unsigned char)out.ptr[i] >= 0x20 && out.ptr[i] != 0x7f);
            assert_false((unsigned char)out.ptr[i] == 0xc2 &&
                         (unsigned char)out.ptr[i + 1] < 0xa0);
        }
    }
    buf_clear(&out);
}

static void escaping_into_a_full_buffer_says_so(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 5);
    assert_int_equal(log_escape(&out, SPAN("ab\n")), ERR_TOO_LARGE);
    buf_clear(&out);
}

/* --- storms -------------------------------------------------------------------------------- */

static void twenty_a_second_and_then_a_count(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        log_warn("fetch", "failed", "url %d", i);
    assert_int_equal(seen.n, 20);
    assert_non_null(strstr(seen.last, "url 19"));

    clock_fake_advance(NS_PER_S);
    log_info("other", "thing", "x");
    assert_int_equal(seen.n, 22);
    assert_non_null(strstr(seen.last, "info other thing x"));
}

static void the_count_names_the_event_it_is_of(void **state)
{
    (void)state;
    for (int i = 0; i < 25; i++)
        log_warn("fetch", "failed", "x");
    log_flush();
    assert_non_null(
        strstr(seen.last, "warn fetch failed 5 more of these were not shown"));
    log_flush();
    assert_int_equal(seen.n, 21);
}

static void a_new_second_begins_anew(void **state)
{
    (void)state;
    for (int second = 0; second < 3; second++) {
        for (int i = 0; i < 20; i++)
            log_warn("fetch", "failed", "x");
        clock_fake_advance(NS_PER_S);
    }
    assert_int_equal(seen.n, 60);
}

static void events_that_take_turns_are_limited_each(void **state)
{
    static const char *const events[] = { "a", "b", "c", "d", "e", "f", "g", "h",
                                          "i", "j", "k", "l", "m", "n", "o", "p",
                                          "q", "r", "s", "t", "u", "v", "w", "x" };

    (void)state;
    for (int i = 0; i < 1000; i++)
        for (size_t k = 0; k < ARRAY_LEN(events); k++)
            log_warn("fetch", events[k], "x");
    assert_int_equal(seen.n, 20 * ARRAY_LEN(events));
}

static void one_event_at_two_addresses_is_one(void **state)
{
    char first[] = "failed", second[] = "failed", component[] = "fetch";

    (void)state;
    for (int i = 0; i < 30; i++)
        log_warn(i % 2 ? "fetch" : component, i % 2 ? first : second, "x");
    assert_int_equal(seen.n, 20);
    log_flush();
}

static void one_event_of_two_components_is_two(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++) {
        log_warn("fetch", "failed", "x");
        log_warn("store", "failed", "x");
    }
    assert_int_equal(seen.n, 40);
}

static void more_events_than_slots_lose_no_record_of_a_quiet_one(void **state)
{
    static char names[100][8];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(names[i], sizeof names[i], "e%zu", i);
        log_warn("fetch", names[i], "x");
    }
    assert_int_equal(seen.n, 100);
    log_flush();
}

/* --- files and pipes --------------------------------------------------------------------------- */

static void temp_name(char *out, size_t size, const char *what)
{
    snprintf(out, size, "/tmp/test_log_%d_%s", (int)getpid(), what);
    unlink(out);
}

static void read_back(const char *path, struct buf *out)
{
    buf_init(out, 100000);
    assert_int_equal(io_read_file(path, out, NULL), OK);
}

static void a_file_gets_whole_lines_for_its_owner_only(void **state)
{
    char path[64];
    struct stat st;
    struct buf text;

    (void)state;
    temp_name(path, sizeof path, "file");
    log_set_sink(NULL, NULL);
    umask(0);
    assert_int_equal(log_open(path, NULL), OK);
    assert_true(log_has_file());
    log_warn("a", "b", "one\ntwo");
    log_warn("a", "b", "three");

    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    read_back(path, &text);
    assert_true(
        span_eq(buf_span(&text), SPAN("2023-11-14T22:13:20.123Z warn a b one\\x0Atwo\n"
                                      "2023-11-14T22:13:20.123Z warn a b three\n")));
    buf_clear(&text);
    unlink(path);
}

static void reopening_goes_on_in_a_new_file_after_rotation(void **state)
{
    char path[64], old[64];
    struct buf text;

    (void)state;
    temp_name(path, sizeof path, "log");
    temp_name(old, sizeof old, "old");
    log_set_sink(NULL, NULL);
    assert_int_equal(log_reopen(NULL), OK); /* without a file: nothing */
    assert_int_equal(log_open(path, NULL), OK);
    assert_int_equal(rename(path, old), 0);
    log_warn("a", "b", "before");
    assert_int_equal(log_reopen(NULL), OK);
    log_warn("a", "b", "after");

    read_back(path, &text);
    assert_true(span_ends(buf_span(&text), SPAN("warn a b after\n")));
    assert_int_equal(span_find_span(buf_span(&text), SPAN("before")), text.len);
    buf_clear(&text);
    unlink(path);
    unlink(old);
}

static void a_failed_reopen_keeps_the_old_file(void **state)
{
    char path[64], old[64];
    struct err_note note;
    struct buf text;

    (void)state;
    temp_name(path, sizeof path, "log");
    temp_name(old, sizeof old, "old");
    log_set_sink(NULL, NULL);
    assert_int_equal(log_open(path, NULL), OK);
    assert_int_equal(rename(path, old), 0);
    assert_int_equal(symlink(old, path), 0);
    assert_int_equal(log_reopen(&note), ERR_IO);
    assert_non_null(strstr(note.text, path));
    log_warn("a", "b", "still here");

    read_back(old, &text);
    assert_true(span_ends(buf_span(&text), SPAN("still here\n")));
    buf_clear(&text);
    unlink(path);
    unlink(old);
}

static void what_is_no_plain_file_is_refused(void **state)
{
    char path[64], other[64];
    struct err_note note;

    (void)state;
    temp_name(path, sizeof path, "x");
    temp_name(other, sizeof other, "y");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(log_open(path, &note), ERR_IO);
    assert_non_null(strstr(note.text, path));
    unlink(path);

    close(open(other, O_WRONLY | O_CREAT, 0600));
    assert_int_equal(symlink(other, path), 0);
    assert_int_equal(log_open(path, &note), ERR_IO);
    assert_non_null(strstr(note.text, "is a symbolic link"));
    unlink(path);
    assert_int_equal(link(other, path), 0);
    assert_int_equal(log_open(path, &note), ERR_IO);
    assert_non_null(strstr(note.text, "hard link"));
    unlink(path);
    unlink(other);

    assert_int_equal(log_open("/tmp", &note), ERR_IO);
    assert_int_equal(log_open("/nowhere/log", &note), ERR_IO);
    assert_non_null(strstr(note.text, "/nowhere/log"));
    assert_false(log_has_file());
}

static void a_null_device_is_fine(void **state)
{
    (void)state;
    log_set_sink(NULL, NULL);
    assert_int_equal(log_open("/dev/null", NULL), OK);
    log_warn("a", "b", "x");
}

/* Standard error on a pipe that nobody reads; returns the reading end. */
static int stderr_to_pipe(int *saved)
{
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    *saved = dup(STDERR_FILENO);
    dup2(fds[1], STDERR_FILENO);
    close(fds[1]);
    return fds[0];
}

static void a_pipe_that_nobody_reads_stops_nobody(void **state)
{
    static char text[200000];
    char message[1000];
    int saved, from = stderr_to_pipe(&saved);
    ssize_t n, len = 0;

    (void)state;
    log_set_sink(NULL, NULL);
    memset(message, 'm', sizeof message - 1);
    message[sizeof message - 1] = '\0';
    alarm(20); /* a blocking write would hang: let the signal end the test */
    for (int i = 0; i < 500; i++) {
        log_warn("a", "b", "%s", message);
        clock_fake_advance(NS_PER_S / 20);
    }
    fcntl(from, F_SETFL, O_NONBLOCK);
    while ((n = read(from, text + len, sizeof text - (size_t)len)) > 0)
        len += n;
    log_warn("a", "b", "again");
    while ((n = read(from, text + len, sizeof text - (size_t)len)) > 0)
        len += n;
    dup2(saved, STDERR_FILENO);
    alarm(0);
    close(saved);
    close(from);

    assert_true(len > 4096);
    assert_int_equal(text[len - 1], '\n');
    text[len - 1] = '\0';
    assert_non_null(strstr(text, "warn a b again\n"));
    assert_non_null(strstr(strstr(text, "again"), "warn log lost "));
}

static void a_reader_that_is_gone_stops_nobody(void **state)
{
    int saved, from = stderr_to_pipe(&saved);

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    log_set_sink(NULL, NULL);
    close(from);
    log_warn("a", "b", "x");
    dup2(saved, STDERR_FILENO);
    close(saved);
    signal(SIGPIPE, SIG_DFL);
    log_set_sink(remember, NULL);
    log_warn("a", "b", "y");
    assert_non_null(strstr(seen.last, "warn log lost 1 records"));
}

#define LOGGED(test) cmocka_unit_test_setup_teardown(test, start, put_back)

int main(void)
{
    static const struct CMUnitTest fixed[] = {
        LOGGED(a_record_says_when_how_bad_who_and_what),
        LOGGED(records_above_the_level_are_dropped),
        LOGGED(a_newline_cannot_forge_a_record),
        LOGGED(a_long_record_is_cut_to_a_pipe_buffer_of_whole_characters),
        LOGGED(a_message_that_is_too_long_ends_where_it_is_cut),
        LOGGED(a_nul_byte_is_escaped),
        LOGGED(no_byte_sequence_gets_through_unsafe),
        LOGGED(escaping_into_a_full_buffer_says_so),
        LOGGED(twenty_a_second_and_then_a_count),
        LOGGED(the_count_names_the_event_it_is_of),
        LOGGED(a_new_second_begins_anew),
        LOGGED(events_that_take_turns_are_limited_each),
        LOGGED(one_event_at_two_addresses_is_one),
        LOGGED(one_event_of_two_components_is_two),
        LOGGED(more_events_than_slots_lose_no_record_of_a_quiet_one),
        LOGGED(a_file_gets_whole_lines_for_its_owner_only),
        LOGGED(reopening_goes_on_in_a_new_file_after_rotation),
        LOGGED(a_failed_reopen_keeps_the_old_file),
        LOGGED(what_is_no_plain_file_is_refused),
        LOGGED(a_null_device_is_fine),
        LOGGED(a_pipe_that_nobody_reads_stops_nobody),
        LOGGED(a_reader_that_is_gone_stops_nobody),
    };
    struct CMUnitTest tests[ARRAY_LEN(fixed) + ARRAY_LEN(escape_rows)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        tests[n++] = fixed[i];
    for (size_t i = 0; i < ARRAY_LEN(escape_rows); i++)
        tests[n++] =
            (struct CMUnitTest){ .name = escape_rows[i].label,
                                 .test_func = check_escape,
                                 .initial_state = (void *)(uintptr_t)&escape_rows[i] };
    return cmocka_run_group_tests_name("config/log", tests, NULL, NULL);
}
