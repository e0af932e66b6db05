/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "config/log.h"
#include "config/mem.h"
#include "crawler/command.h"
#include "crawler/show.h"

#define SHOWN          10 /* exceptions shown of each check */
#define MAX_SHOWN      ((size_t)64 * KIB) /* of a text, escaped */
#define MAX_TEXT_BYTES ((int64_t)256 * MIB) /* of the full text's index, which takes a copy of itself to check */

struct verify_options {
    struct show_options show; /* first */
    bool is_full;
};

static const struct option_spec specs[] = {
    { "db", 'o', OPTION_TEXT, offsetof(struct verify_options, show.db), 0, 0, "crawl.db", NULL,
      0, "FILE", "the database", "Options" },
    { "full", 0, OPTION_FLAG, offsetof(struct verify_options, is_full), 0, 0, "no", NULL, 0, NULL,
      "check a full-text index of more than 256 MiB, too", NULL },
};
static const struct option_table table = { specs, ARRAY_LEN(specs) };

struct finding {
    const char *check;
    size_t n;
};

/* What stands in the file may be anybody's, and the terminal obeys some bytes. */
static void print_text(struct span column, struct span text)
{
    struct buf shown;

    buf_init(&shown, MAX_SHOWN);
    if (log_escape(&shown, span_clip_utf8(text, MAX_SHOWN / 8)) == OK)
        printf(" %.*s=%.*s", SPAN_ARG(column), SPAN_ARG(buf_span(&shown)));
    buf_clear(&shown);
}

/* One row is one exception to what must hold. */
static enum err on_exception(void *arg, const struct span *columns,
                             const struct reader_value *values, size_t n)
{
    struct finding *f = arg;

    if (!values || (n == 1 && values[0].type == READER_TEXT &&
                    span_eq(values[0].text, SPAN("ok"))))
        return OK;
    if (f->n++ == 0)
        printf("WRONG  %s\n", f->check);
    if (f->n > SHOWN)
        return OK;
    printf("      ");
    for (size_t i = 0; i < n; i++) {
        if (values[i].type == READER_INTEGER)
            printf(" %.*s=%lld", SPAN_ARG(columns[i]), (long long)values[i].integer);
        else if (values[i].type == READER_TEXT)
            print_text(columns[i], values[i].text);
    }
    printf("\n");
    return OK;
}

/* The last of all: it holds the file. */
static enum err check_text(struct reader *r, bool is_full, size_t *io_wrong, struct err_note *note)
{
    static const char name[] = "the pages of the full-text index hold together";
    struct reader_text text;
    enum err e = reader_check_text(r, is_full ? -1 : MAX_TEXT_BYTES, &text, note);

    if (e)
        fprintf(stderr, "crawl verify: %s: %s\n", name, note->text);
    else if (text.is_left_out)
        printf("left out  %s: it has %lld MiB (--full)\n", name, (long long)(text.bytes / MIB));
    else if (text.is_wrong)
        printf("WRONG  %s\n       %s\n", name, text.problem);
    else
        printf("ok     %s\n", name);
    *io_wrong += !e && text.is_wrong;
    return e;
}

static int check_all(struct reader *r, bool is_full)
{
    size_t wrong = 0, checks = 0;
    struct err_note note;

    for (const struct reader_report *p = reader_checks; p->name; p++, checks++) {
        struct finding f = { p->name, 0 };

        if (reader_may_lack(r, p->about))
            continue;
        if (reader_query(r, span_str(p->sql), NULL, 0, on_exception, &f, &note)) {
            fprintf(stderr, "crawl verify: %s: %s\n", p->name, note.text);
            return 3;
        }
        if (f.n > SHOWN)
            printf("       and %zu more\n", f.n - SHOWN);
        if (!f.n)
            printf("ok     %s\n", p->name);
        wrong += f.n != 0;
    }
    checks++;
    if (check_text(r, is_full, &wrong, &note))
        return 3;
    if (wrong)
        printf("%zu of %zu checks found something wrong\n", wrong, checks);
    if (fflush(stdout) && errno != EPIPE) {
        fprintf(stderr, "crawl verify: cannot write what was found: %s\n", strerror(errno));
        return 3;
    }
    return wrong ? 3 : 0;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct verify_options o = { 0 };
    struct reader *r;
    char **operands;
    int code = 0;
    size_t n;

    if (!command_parse(self, &o, argc, argv, &operands, &n, &code))
        return code;
    signal(SIGPIPE, SIG_IGN);
    r = show_open_alone("verify", &o.show, operands, n, &code);
    mem_free(operands);
    if (r)
        code = check_all(r, o.is_full);
    reader_close(r);
    options_clear(&table, &o);
    return code;
}

const struct command cmd_verify = {
    .name = "verify",
    .usage = "verify [-o FILE] [--full]",
    .summary =
        "prove that a database is sound: every URL accounted for, nothing dangling",
    .description =
        "Checks a database: every URL in exactly one state and with its reason, pages with their\n"
        "fetches, links and redirects with both ends, the file's own structure. Exit code 3 when\n"
        "something is wrong; what and where is printed.\n"
        "\n"
        "The index of the full text is looked through in a copy in a temporary file (TMPDIR), one of more\n"
        "than 256 MiB with --full only. It has no checksums: damage of a sector shows, a few wrong bytes may\n"
        "not.\n",
    .options = &table,
    .exec = run,
};
