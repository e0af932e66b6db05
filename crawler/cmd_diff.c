/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "config/conditions.h"
#include "config/mem.h"
#include "crawler/command.h"
#include "crawler/diff.h"
#include "crawler/show.h"

#define SHORT_HASH ((size_t)12) /* characters of a hash that a table shows */

struct diff_options {
    struct show_options show;
    bool wants_summary;
    struct text_list fail_on;
};

static const struct option_spec specs[] = {
    { "db", 'o', OPTION_TEXT, offsetof(struct diff_options, show.db), 0, 0, "crawl.db",
      NULL, 0, "FILE", "the database", "Options" },
    { "format", 'f', OPTION_CHOICE, offsetof(struct diff_options, show.format), 0, 0,
      "table", OUTPUT_FORMATS, 0, "HOW", OUTPUT_FORMATS, NULL },
    { "summary", 's', OPTION_FLAG, offsetof(struct diff_options, wants_summary), 0, 0,
      "no", NULL, 0, NULL, "how many of each, instead of each", NULL },
    { "fail-on", 0, OPTION_LIST, offsetof(struct diff_options, fail_on), 1, 0, NULL,
      DIFF_WORDS, 0, "LIST",
      "exit 1 when there are new, gone, failed, back, changed, broken; each perhaps with "
      ">N",
      NULL },
};
static const struct option_table table = { specs, ARRAY_LEN(specs) };

/* --- rows --------------------------------------------------------------------------- */

struct sink {
    struct output *out;
    bool is_table, is_silent;
    bool has_reader_left; /* who reads us has seen enough */
};

static struct output_value text_cell(struct span text)
{
    return text.len ? (struct output_value){ OUTPUT_TEXT, 0, 0, text }
                    : (struct output_value){ OUTPUT_NULL, 0, 0, SPAN_NONE };
}

static struct output_value number_cell(int64_t n)
{
    return (struct output_value){ n < 0 ? OUTPUT_NULL : OUTPUT_INTEGER, n, 0,
                                  SPAN_NONE };
}

static enum err note_end(struct sink *s, enum err e)
{
    s->has_reader_left |= e == ERR_IO && errno == EPIPE;
    return e;
}

static enum err on_diff_row(void *arg, const struct diff_row *row)
{
    struct sink *s = arg;
    size_t most = s->is_table && row->field == DIFF_CONTENT ? SHORT_HASH : SIZE_MAX;
    size_t was_len = MIN(row->was.len, most), now_len = MIN(row->now.len, most);
    struct output_value cells[7] = {
        text_cell(span_str(diff_word(row->change))),
        text_cell(row->url),
        text_cell(span_str(diff_field_word(row->field))),
        text_cell(span_slice(row->was, 0, was_len)),
        text_cell(span_slice(row->now, 0, now_len)),
        number_cell(row->distance),
        text_cell(row->source),
    };

    return s->is_silent ? OK : note_end(s, output_row(s->out, cells));
}

static enum err count_row(struct sink *s, const char *change, const char *field,
                          int64_t n)
{
    struct output_value cells[3] = { text_cell(span_str(change)),
                                     text_cell(span_str(field)), number_cell(n) };

    return output_row(s->out, cells);
}

static enum err write_summary(struct sink *s, const struct diff *d)
{
    int64_t same = d->asked;
    enum err e = OK;

    for (int i = 0; !e && i < N_DIFF_CHANGES; i++) {
        e = count_row(s, diff_word((enum diff_change)i), NULL, d->urls[i]);
        if (i != DIFF_BROKEN)
            same -= d->urls[i];
        for (int f = 0; !e && i == DIFF_CHANGED && f < N_DIFF_FIELDS; f++)
            if (d->fields[f])
                e = count_row(s, diff_word(DIFF_CHANGED),
                              diff_field_word((enum diff_field)f), d->fields[f]);
    }
    if (!e)
        e = count_row(s, "same", NULL, same);
    return e ? e : count_row(s, "not asked", NULL, d->quiet);
}

/* --- the command -------------------------------------------------------------------- */

/* What the answer does not hold. */
static void say_doubts(const struct diff *d)
{
    if (!d->runs.is_finished)
        fprintf(stderr,
                "crawl diff: run %lld is not finished: %lld URLs are still queued\n",
                (long long)d->runs.new_run, (long long)d->runs.n_queued);
    if (d->outdated)
        fprintf(stderr,
                "crawl diff: %lld pages have changed after run %lld: broken links that "
                "stood on them then are not known\n",
                (long long)d->outdated, (long long)d->runs.new_run);
    if (d->unsure)
        fprintf(stderr,
                "crawl diff: %lld of the broken links may have been there before: they "
                "stand on pages that changed, and what these were then is not stored\n",
                (long long)d->unsure);
}

static bool fails(const struct diff_options *o, const struct diff *d)
{
    bool does = false;

    for (int i = 0; i < N_DIFF_CHANGES; i++)
        does |=
            conditions_hold(&o->fail_on, diff_word((enum diff_change)i), d->urls[i]);
    return does;
}

static struct output *new_output(const struct diff_options *o)
{
    const struct span rows[] = { SPAN("change"), SPAN("url"), SPAN("field"),
                                 SPAN("was"),    SPAN("now"), SPAN("distance"),
                                 SPAN("source") };
    const struct span counts[] = { SPAN("change"), SPAN("field"), SPAN("count") };
    enum output_format format = (enum output_format)o->show.format;

    return o->wants_summary
               ? output_new(format, STDOUT_FILENO, counts, ARRAY_LEN(counts))
               : output_new(format, STDOUT_FILENO, rows, ARRAY_LEN(rows));
}

/* Takes r: the database is closed before a process is started. */
static enum err write_all(const struct diff_options *o, struct reader *r,
                          const struct reader_diff *runs, struct diff *d,
                          struct err_note *note)
{
    struct sink s = { .out = new_output(o),
                      .is_table = o->show.format == OUTPUT_TABLE,
                      .is_silent = o->wants_summary };
    struct settings parsing = { 0 };
    enum err e = diff_read(r, runs, on_diff_row, &s, d, note);

    reader_close(r);
    options_set_defaults(&settings_table, &parsing);
    if (!e)
        e = settings_check(&parsing, note);
    if (!e)
        e = diff_finish(d, NULL, &parsing, note);
    if (!e && o->wants_summary)
        e = write_summary(&s, d);
    /* A table without rows says nothing at all, so that cron has nothing to mail. */
    if (!e && (!s.is_table || output_count(s.out)))
        e = note_end(&s, output_finish(s.out));
    output_free(s.out);
    settings_clear(&parsing);
    return s.has_reader_left ? OK : e;
}

static int complain(enum err e, const struct err_note *note)
{
    int code = command_fail("diff", e, note);

    return e == ERR_USAGE || e == ERR_NOT_FOUND ? 2 : code;
}

static int compare(const struct diff_options *o, const int64_t *runs, size_t n)
{
    struct err_note note = { "" };
    struct reader_diff chosen;
    struct diff d = { 0 };
    struct reader *r;
    int code = 3;
    enum err e;

    r = show_open("diff", &o->show, &code);
    if (!r)
        return code;
    e = reader_diff_choose(r, runs, n, &chosen, &note);
    if (e)
        reader_close(r);
    else
        e = write_all(o, r, &chosen, &d, &note);
    if (!e)
        say_doubts(&d);
    code = e ? complain(e, &note) : fails(o, &d);
    diff_clear(&d);
    return code;
}

/* Run numbers; false when one is none. */
static bool read_runs(char **operands, size_t n, int64_t out[2])
{
    for (size_t i = 0; i < n; i++)
        if (!span_parse_i64(span_str(operands[i]), &out[i]) || out[i] < 0) {
            fprintf(stderr, "crawl diff: '%s' is no run's number (crawl sql runs)\n",
                    operands[i]);
            return false;
        }
    return true;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct diff_options o = { 0 };
    struct err_note note;
    int64_t runs[2];
    char **operands;
    int code = 2;
    size_t n;

    if (!command_parse(self, &o, argc, argv, &operands, &n, &code))
        return code;
    signal(SIGPIPE, SIG_IGN);
    code = 2;
    if (conditions_check(&o.fail_on, DIFF_WORDS, &note))
        fprintf(stderr, "crawl diff: %s\n", note.text);
    else if (n > ARRAY_LEN(runs))
        fprintf(stderr, "crawl diff: name two runs at most\n");
    else if (read_runs(operands, n, runs))
        code = compare(&o, runs, n);
    mem_free(operands);
    options_clear(&table, &o);
    return code;
}

const struct command cmd_diff = {
    .name = "diff",
    .usage = "diff [OPTIONS] [RUN1 [RUN2]]",
    .summary =
        "what changed between two runs: new, gone, failed, back, changed, broken links",
    .description =
        "Compares what the URLs were at the end of two runs: the last one and the one before, RUN1 and\n"
        "the last one, or RUN1 and RUN2 (crawl sql runs lists them; 0 is before the first). What was\n"
        "not asked in between is as it was.\n"
        "\n"
        "  new      a page or redirect that was never asked for before\n"
        "  gone     404 or 410 now, a page or redirect before\n"
        "  failed   an error or no complete answer now; a page, a redirect or never asked for before\n"
        "  back     a page or redirect again, after an error or no answer\n"
        "  changed  a row for each of: status, redirect (target), content_type, content (SHA-256, with the\n"
        "           number of bits in which the texts' fingerprints differ, 0 to 64), title, description,\n"
        "           canonical_url, robots_meta, x_robots_tag\n"
        "  broken   a link to a URL that failed or is an error, new since: source is the page it stands on\n"
        "\n"
        "Where nothing changed, a table prints nothing. With --fail-on the exit code is 1 when one of these\n"
        "happened (--fail-on broken,gone), or more often than a number says (--fail-on 'changed>100').\n"
        "What --keep-history has removed cannot be compared any more; that is said (exit code 3).\n"
        "\n"
        "  crawl diff                         since the run before\n"
        "  crawl diff --summary 3 7           how much happened between the ends of runs 3 and 7\n"
        "  crawl diff -f jsonl | jq .url      for programs\n",
    .options = &table,
    .exec = run,
};
