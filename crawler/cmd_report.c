/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/io.h"
#include "config/mem.h"
#include "crawler/command.h"
#include "crawler/report.h"

#define DEFAULT_FILE "report.html"
#define MAX_REPORT   ((size_t)256 * MIB)

struct report_command {
    char *db, *title;
    int64_t run, limit;
};

#define F(name) offsetof(struct report_command, name)

static const struct option_spec specs[] = {
    { "db", 'o', OPTION_TEXT, F(db), 1, 0, "crawl.db", NULL, 0, "FILE", "the database",
      "Options" },
    { "run", 0, OPTION_COUNT, F(run), 0, INT64_MAX, "0", NULL, 0, "ID",
      "the run to report on (0: the last one)", NULL },
    { "limit", 'n', OPTION_COUNT, F(limit), 1, 10000, "50", NULL, 0, "N",
      "rows a table shows at most", NULL },
    { "title", 0, OPTION_TEXT, F(title), 1, 0, NULL, NULL, 0, "TEXT",
      "heading of the page", NULL },
};
static const struct option_table table = { specs, ARRAY_LEN(specs) };

/* --- where it goes ------------------------------------------------------------------ */

/* An empty file or an older report: what may be replaced without asking. */
static enum err check_replaceable(const char *path, struct err_note *note)
{
    char start[sizeof REPORT_MARK - 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : read(fd, start, sizeof start);
    int cause = errno;

    if (fd >= 0)
        close(fd);
    if (n < 0)
        return err_set_errno(note, ERR_IO, cause, "cannot read %s", path);
    if (n == 0 || span_eq(span_make(start, (size_t)n), SPAN(REPORT_MARK)))
        return OK;
    return err_set(
        note, ERR_REFUSED,
        "%s is there already and no report of ours; remove it or name another file",
        path);
}

static enum err write_page(const char *path, struct span page, struct err_note *note)
{
    struct stat st;
    enum err e = OK;

    if (strcmp(path, "-") == 0) {
        if (!io_write_all(STDOUT_FILENO, page) || errno == EPIPE)
            return OK;
        return err_set_errno(note, ERR_IO, errno, "cannot write the report");
    }
    if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
        e = check_replaceable(path, note);
    return e ? e : io_put_file(path, page, note);
}

/* --- the command -------------------------------------------------------------------- */

static int report(const struct report_command *c, const char *path)
{
    struct report_options o = { span_str(c->title), span_str(c->db), c->run, c->limit };
    struct err_note note = { "" };
    struct reader *r = NULL;
    struct buf page;
    enum err e;

    buf_init(&page, MAX_REPORT);
    e = reader_open(c->db, &r, &note);
    if (!e)
        e = report_write(r, &o, &page, &note);
    reader_close(r);
    if (!e)
        e = write_page(path, buf_span(&page), &note);
    buf_clear(&page);
    if (e)
        fprintf(stderr, "crawl report: %s\n", note.text[0] ? note.text : err_text(e));
    return e ? 3 : 0;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct report_command c = { 0 };
    char **operands;
    int code;
    size_t n;

    if (!command_parse(self, &c, argc, argv, &operands, &n, &code))
        return code;
    signal(SIGPIPE, SIG_IGN);
    if (n > 1) {
        fprintf(stderr, "crawl report: one file, please; see 'crawl report --help'\n");
        code = 2;
    } else {
        code = report(&c, n ? operands[0] : DEFAULT_FILE);
    }
    mem_free(operands);
    options_clear(&table, &c);
    return code;
}

const struct command cmd_report = {
    .name = "report",
    .usage = "report [-o FILE] [--run ID] [--title TEXT] [-n N] [FILE]",
    .summary = "a run as one HTML page: figures, charts, findings, tables",
    .description =
        "Writes a run into one HTML page that needs nothing else (report.html by default; - is standard\n"
        "output); also while a crawl is writing the database. The page has no script and asks for nothing\n"
        "over the network. An older report is replaced when the new one is whole; any other file that is\n"
        "there already, and a symbolic link, is left alone.\n"
        "\n"
        "  crawl report\n"
        "  crawl report -o site.db --title \"example.com, weekly\" /srv/reports/site.html\n"
        "  crawl report - | mail-it\n",
    .options = &table,
    .exec = run,
};
