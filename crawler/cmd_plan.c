/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "config/mem.h"
#include "config/settings.h"
#include "crawler/command.h"
#include "crawler/output.h"
#include "crawler/plan.h"
#include "crawler/versions.h"
#include "store/reader.h"

/* --format is this command's alone: it is taken out of argv before the options of a crawl are read. */
struct format_options {
    int format; /* enum output_format */
};

static const struct option_spec specs[] = {
    { "format", 'f', OPTION_CHOICE, offsetof(struct format_options, format), 0, 0,
      "table", OUTPUT_FORMATS, 0, "HOW", OUTPUT_FORMATS, NULL },
};
static const struct option_table table = { specs, ARRAY_LEN(specs) };

/* Its value when argv[i] names it (and *used words of argv it took), or NULL. */
static const char *format_at(int argc, char **argv, int i, int *used)
{
    static const char prefix[] = "--format=";

    *used = 1;
    if (strncmp(argv[i], prefix, sizeof prefix - 1) == 0)
        return argv[i] + sizeof prefix - 1;
    if (strcmp(argv[i], "--format") != 0 && strcmp(argv[i], "-f") != 0)
        return NULL;
    *used = 2;
    return i + 1 < argc ? argv[i + 1] : "";
}

/* rest: argv without --format; to be freed. */
static enum err take_format(int argc, char **argv, struct format_options *o,
                            char ***rest, int *n_rest, struct err_note *note)
{
    bool is_over = false;
    enum err e = OK;

    *rest = mem_array((size_t)argc + 1, sizeof **rest);
    for (int i = 0, used = 1; !e && i < argc; i += used) {
        const char *value = NULL;

        used = 1;
        is_over |= strcmp(argv[i], "--") == 0;
        if (!is_over)
            value = format_at(argc, argv, i, &used);
        if (value)
            e = options_set(&table, o, &specs[0], span_str(value), "--format", note);
        else
            (*rest)[(*n_rest)++] = argv[i];
    }
    return e;
}

/* --- output ------------------------------------------------------------------------- */

static struct output_value text_cell(struct span text)
{
    return (struct output_value){ OUTPUT_TEXT, 0, 0, text };
}

static struct output_value number_cell(int64_t n, bool is_for_people)
{
    if (n >= 0)
        return (struct output_value){ OUTPUT_INTEGER, n, 0, SPAN_NONE };
    return is_for_people ? text_cell(SPAN("unknown"))
                         : (struct output_value){ OUTPUT_NULL, 0, 0, SPAN_NONE };
}

static double seconds(int64_t ms)
{
    return (double)ms / 1000;
}

/* "1.5" or "3h12m" in a table, seconds elsewhere. */
static struct output_value time_cell(int64_t ms, bool is_for_people, char *room,
                                     size_t size)
{
    int64_t s = (ms + 500) / 1000;
    int n;

    if (ms < 0)
        return number_cell(ms, is_for_people);
    if (!is_for_people)
        return (struct output_value){ OUTPUT_REAL, 0, seconds(ms), SPAN_NONE };
    if (s >= 86400)
        n = snprintf(room, size, "%lldd%02lldh", (long long)(s / 86400),
                     (long long)(s / 3600 % 24));
    else if (s >= 3600)
        n = snprintf(room, size, "%lldh%02lldm", (long long)(s / 3600),
                     (long long)(s / 60 % 60));
    else if (s >= 60)
        n = snprintf(room, size, "%lldm%02llds", (long long)(s / 60),
                     (long long)(s % 60));
    else
        n = snprintf(room, size, "%.3gs", seconds(ms));
    return text_cell(span_make(room, (size_t)n));
}

#define N_COLUMNS 14

static const char *pages_from(const struct plan_host *h)
{
    static const char *const words[] = { [PLAN_SEEDS] = "seeds only: at least",
                                         [PLAN_SITEMAPS] = "sitemaps",
                                         [PLAN_DATABASE] = "database",
                                         [PLAN_BOTH] = "database, and new URLs" };

    if (!h->allowed && !h->pages)
        return "no seed is allowed";
    return h->pages ? words[h->basis] : "nothing is due";
}

static enum err write_host(struct output *out, const struct plan_host *h, bool is_table)
{
    struct span origin = span_slice(h->url.href, 0, h->url.path_start);
    char delay[32], duration[32];
    struct output_value cells[N_COLUMNS] = {
        text_cell(origin),
        text_cell(span_str(h->robots ? h->robots : "not asked")),
        number_cell(h->allowed, is_table),
        number_cell(h->disallowed, is_table),
        time_cell(h->delay_ms, is_table, delay, sizeof delay),
        number_cell(h->sitemaps, is_table),
        number_cell(h->listed, is_table),
        number_cell(h->known, is_table),
        number_cell(h->due, is_table),
        number_cell(h->pages, is_table),
        text_cell(span_str(pages_from(h))),
        number_cell(h->bytes, is_table),
        text_cell(span_str(h->bytes < 0        ? "unknown"
                           : h->mean_bytes < 0 ? "no page"
                                               : "database: mean of known pages")),
        time_cell(h->duration_ms, is_table, duration, sizeof duration),
    };

    return output_row(out, cells);
}

static enum err write_total(struct output *out, const struct plan *p, bool is_table)
{
    struct output_value cells[N_COLUMNS] = { 0 };
    char duration[32];

    cells[0] = text_cell(SPAN("total"));
    cells[9] = number_cell(p->pages, is_table);
    cells[11] = number_cell(p->bytes, is_table);
    cells[13] = time_cell(p->duration_ms, is_table, duration, sizeof duration);
    return output_row(out, cells);
}

static int write_plan(const struct plan *p, const struct format_options *o)
{
    const struct span columns[N_COLUMNS] = {
        SPAN("host"),      SPAN("robots"),     SPAN("seeds"),       SPAN("disallowed"),
        SPAN("delay_s"),   SPAN("sitemaps"),   SPAN("in_sitemaps"), SPAN("in_database"),
        SPAN("due"),       SPAN("pages"),      SPAN("pages_from"),  SPAN("bytes"),
        SPAN("bytes_from"), SPAN("duration_s")
    };
    bool is_table = o->format == OUTPUT_TABLE || o->format == OUTPUT_MARKDOWN;
    struct output *out =
        output_new((enum output_format)o->format, STDOUT_FILENO, columns, N_COLUMNS);
    const struct err_note note = { "" };
    enum err e = OK;

    errno = 0;
    for (const struct plan_host *h = p->hosts; !e && h; h = h->next)
        e = write_host(out, h, is_table);
    if (!e)
        e = write_total(out, p, is_table);
    if (!e)
        e = output_finish(out);
    output_free(out);
    return e ? command_fail("plan", e, &note) : 0;
}

/* --- the command -------------------------------------------------------------------- */

/* A database that is there is asked; that there is none is no mistake. */
static enum err ask_database(struct plan *p, const struct settings *s,
                             struct err_note *note)
{
    struct reader *r;
    enum err e;

    if (access(s->db, F_OK) != 0)
        return OK;
    e = reader_open(s->db, &r, note);
    if (e)
        return e;
    e = plan_read(p, s, r, note);
    reader_close(r);
    return e;
}

static int make(const struct settings *s, char **operands, size_t n,
                const struct format_options *o)
{
    struct seeds seeds = { 0 };
    struct err_note note;
    struct plan p;
    int code;

    if (seeds_read(operands, n, &seeds, &note)) {
        fprintf(stderr, "crawl plan: %s\n", note.text);
        return 2;
    }
    plan_init(&p, &seeds);
    if (ask_database(&p, s, &note)) {
        fprintf(stderr, "crawl plan: %s\n", note.text);
        code = 3;
    } else {
        code = plan_make(&p, s, &seeds);
    }
    if (!code)
        code = write_plan(&p, o);
    plan_clear(&p);
    seeds_clear(&seeds);
    return code;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct format_options o = { 0 };
    struct settings s;
    struct err_note note;
    char **rest = NULL, **operands;
    int n_rest = 0, code = 2;
    size_t n;

    if (take_format(argc, argv, &o, &rest, &n_rest, &note) ||
        settings_load(&s, n_rest, rest, environ, &operands, &n, &note)) {
        fprintf(stderr, "crawl plan: %s\n", note.text);
        mem_free(rest);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    if (s.wants_help)
        code = command_help(self);
    else if (s.wants_version)
        code = versions_print();
    else if (!n)
        fprintf(stderr, "crawl plan: name the seeds: files of URLs, - or URLs\n");
    else
        code = make(&s, operands, n, &o);
    mem_free(operands);
    mem_free(rest);
    settings_clear(&s);
    return code;
}

const struct command cmd_plan = {
    .name = "plan",
    .usage = "plan [--format " OUTPUT_FORMATS "] [OPTIONS] SEEDS...",
    .summary =
        "before a crawl: robots.txt and sitemaps of the seeds' hosts, and how long it would take",
    .description =
        "Reads robots.txt and the sitemaps it names of every host that the seeds are on, as politely as a\n"
        "crawl with these settings would; no page is asked for, and nothing is written. Then it says for\n"
        "each host:\n"
        "\n"
        "  seeds, disallowed  how many of the seeds robots.txt allows, and how many it does not\n"
        "  delay_s            the pause between two requests that would hold\n"
        "  in_sitemaps        different URLs of the host in its sitemaps that would be fetched\n"
        "  in_database        pages that the database (-o) knows, and what is queued in it\n"
        "  due                of them and of other answers what a start now would ask for: what is queued,\n"
        "                     and what --revisit makes due (but for what a date in a sitemap makes due)\n"
        "  pages, pages_from  the estimate, and what it is made of; seeds only: links may lead to any number;\n"
        "                     with a database what is due, and what seeds and sitemaps name beyond what\n"
        "                     is known\n"
        "  bytes, bytes_from  pages times the mean of the known pages; unknown without a database\n"
        "  duration_s         pages times the pause, and the mean answer time where the database knows one\n"
        "\n"
        "Hosts are crawled side by side, so the total takes as long as the slowest. Takes the options of a\n"
        "crawl.\n"
        "\n"
        "  crawl plan --delay 2s seeds.txt\n"
        "  crawl plan -f jsonl https://example.org/ | jq .duration_s\n",
    .options = &settings_table,
    .exec = run,
};
