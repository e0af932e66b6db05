/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/mem.h"
#include "crawler/command.h"
#include "crawler/export_warc.h"
#include "crawler/output.h"
#include "crawler/pool.h"

#define MAX_COLUMNS 64

struct export_options {
    char *db, *jsonl, *csv, *links, *warc;
};

#define F(name) offsetof(struct export_options, name)

static const struct option_spec specs[] = {
    { "db", 'o', OPTION_TEXT, F(db), 1, 0, "crawl.db", NULL, 0, "FILE", "the database",
      "Options" },
    { "jsonl", 0, OPTION_TEXT, F(jsonl), 1, 0, NULL, NULL, 0, "FILE",
      "pages, a JSON object a line (-: standard output)", NULL },
    { "csv", 0, OPTION_TEXT, F(csv), 1, 0, NULL, NULL, 0, "FILE",
      "pages as CSV; cells that a spreadsheet would run are disarmed", NULL },
    { "links", 0, OPTION_TEXT, F(links), 1, 0, NULL, NULL, 0, "FILE",
      "the link graph as TSV: src, dst, kind, rel, anchor", NULL },
    { "warc", 0, OPTION_TEXT, F(warc), 1, 0, NULL, NULL, 0, "DIR",
      "requests, answers and stored bodies as WARC files with CDXJ indexes", NULL },
};
static const struct option_table table = { specs, ARRAY_LEN(specs) };

/* --- a file that takes its name when it is whole --------------------------------- */

struct target {
    const char *path;
    int fd;
    char *temp; /* beside path; NULL: written directly (standard output, a device) */
};

/* A regular file, or none yet: only those are replaced. */
static bool may_replace(const char *path)
{
    struct stat st;

    return lstat(path, &st) ? errno == ENOENT : S_ISREG(st.st_mode);
}

static enum err open_target(const char *path, struct target *out, struct err_note *note)
{
    struct target t = { path, STDOUT_FILENO, NULL };

    if (strcmp(path, "-") != 0 && may_replace(path)) {
        size_t size = strlen(path) + sizeof ".XXXXXX";

        t.temp = mem_alloc(size);
        snprintf(t.temp, size, "%s.XXXXXX", path);
        t.fd = mkostemp(t.temp, O_CLOEXEC); /* O_EXCL, mode 0600 */
    } else if (strcmp(path, "-") != 0) {
        t.fd = open(path, O_WRONLY | O_CLOEXEC);
    }
    if (t.fd < 0) {
        err_set_errno(note, ERR_IO, errno, "cannot write %s", path);
        mem_free(t.temp);
        return ERR_IO;
    }
    *out = t;
    return OK;
}

/* e: how the writing went. */
static enum err close_target(struct target *t, enum err e, struct err_note *note)
{
    if (t->fd != STDOUT_FILENO && close(t->fd) && !e)
        e = err_set_errno(note, ERR_IO, errno, "cannot write %s", t->path);
    if (!e && t->temp && rename(t->temp, t->path))
        e = err_set_errno(note, ERR_IO, errno, "cannot replace %s", t->path);
    if (e && t->temp)
        unlink(t->temp);
    mem_free(t->temp);
    return e;
}

/* --- tables ---------------------------------------------------------------------- */

struct sink {
    struct output *out;
    enum output_format format;
    const struct target *target;
    struct err_note *note;
};

/* Of a write to the target; a reader that has seen enough is no mistake, but an end. */
static enum err write_failed(const struct sink *s, enum err e)
{
    if (e == ERR_IO && errno == EPIPE)
        return err_set(s->note, ERR_CLOSED, "%s is closed", s->target->path);
    return err_set_errno(s->note, e, errno, "cannot write %s", s->target->path);
}

static enum err on_row(void *arg, const struct span *columns,
                       const struct reader_value *row, size_t n)
{
    static const enum output_type types[] = { OUTPUT_NULL, OUTPUT_INTEGER, OUTPUT_REAL,
                                              OUTPUT_TEXT, OUTPUT_BLOB };
    struct output_value cells[MAX_COLUMNS];
    struct sink *s = arg;
    enum err e;

    BUG_IF(n > MAX_COLUMNS);
    if (!s->out)
        s->out = output_new(s->format, s->target->fd, columns, n);
    if (!row)
        return OK;
    for (size_t i = 0; i < n; i++)
        cells[i] = (struct output_value){ types[row[i].type], row[i].integer,
                                          row[i].real, row[i].text };
    e = output_row(s->out, cells);
    return e ? write_failed(s, e) : OK;
}

static enum err export_table(struct reader *r, const char *name,
                             enum output_format format, const char *path,
                             struct err_note *note)
{
    struct target target;
    struct sink s = { .format = format, .target = &target, .note = note };
    enum err e;

    if (!path)
        return OK;
    e = open_target(path, &target, note);
    if (e)
        return e;
    e = reader_query(r, span_str(reader_find_export(name)->sql), NULL, 0, on_row, &s,
                     note);
    if (!e && s.out) {
        e = output_finish(s.out);
        e = e ? write_failed(&s, e) : OK;
    }
    output_free(s.out);
    e = close_target(&target, e, note);
    return e == ERR_CLOSED ? OK : e;
}

/* --- the command ----------------------------------------------------------------- */

static enum err export_archive(struct reader *r, const char *dir, struct err_note *note)
{
    struct export_warc_counts n;
    enum err e;

    if (!dir)
        return OK;
    e = export_warc(r, dir, &n, note);
    if (e)
        return e;
    fprintf(stderr,
            "%s: %lld responses, %lld revisits, %lld metadata records in %lld files\n",
            dir, (long long)n.records.responses, (long long)n.records.revisits,
            (long long)n.records.metadata, (long long)n.records.files);
    if (n.n_damaged)
        e = err_set(note, ERR_CORRUPT,
                    "%lld stored bodies are damaged; metadata records name them",
                    (long long)n.n_damaged);
    return e;
}

static int export_all(const struct export_options *o)
{
    struct err_note note = { "" };
    struct reader *r = NULL;
    enum err e = OK;

    if (o->warc) /* before the database is open */
        e = pool_start_zygote(&note);
    if (!e)
        e = reader_open(o->db, &r, &note);
    if (!e)
        e = export_table(r, "pages", OUTPUT_JSONL, o->jsonl, &note);
    if (!e)
        e = export_table(r, "pages", OUTPUT_CSV, o->csv, &note);
    if (!e)
        e = export_table(r, "links", OUTPUT_TSV, o->links, &note);
    if (!e)
        e = export_archive(r, o->warc, &note);
    reader_close(r);
    if (e)
        fprintf(stderr, "crawl export: %s\n", note.text[0] ? note.text : err_text(e));
    return e ? 3 : 0;
}

/* One file for two tables would hold the second only, standard output a mixture. */
static const char *mistake(const struct export_options *o, size_t n_operands)
{
    const char *const files[] = { o->jsonl, o->csv, o->links };
    bool has_any = o->warc != NULL;

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        has_any |= files[i] != NULL;
        for (size_t k = 0; files[i] && k < i; k++)
            if (files[k] && strcmp(files[i], files[k]) == 0)
                return "two exports into the same file";
    }
    if (n_operands)
        return "every export has an option of its own, such as --csv FILE";
    return has_any ? NULL : "name at least one of --jsonl, --csv, --links and --warc";
}

static int run(const struct command *self, int argc, char **argv)
{
    struct export_options o = { 0 };
    const char *wrong;
    char **operands;
    int code;
    size_t n;

    if (!command_parse(self, &o, argc, argv, &operands, &n, &code))
        return code;
    signal(SIGPIPE, SIG_IGN);
    wrong = mistake(&o, n);
    if (wrong) {
        fprintf(stderr, "crawl export: %s; see 'crawl export --help'\n", wrong);
        code = 2;
    } else {
        code = export_all(&o);
    }
    mem_free(operands);
    options_clear(&table, &o);
    return code;
}

const struct command cmd_export = {
    .name = "export",
    .usage = "export [-o FILE] [--jsonl FILE] [--csv FILE] [--links FILE] [--warc DIR]",
    .summary =
        "write pages, links or an archive into files: JSON lines, CSV, TSV, WARC",
    .description =
        "Writes what a database holds in the formats of other programs; also while a crawl is writing\n"
        "it. FILE is replaced when it is whole; - is standard output. Files in DIR are added to.\n"
        "\n"
        "  crawl export --jsonl - | jq .title\n"
        "  crawl export --csv pages.csv --links links.tsv\n"
        "  crawl export --warc archive/\n",
    .options = &table,
    .exec = run,
};
