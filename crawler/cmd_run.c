/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/log.h"
#include "config/mem.h"
#include "config/settings.h"
#include "crawler/command.h"
#include "crawler/crawl.h"
#include "crawler/versions.h"

static int fail(const struct err_note *note)
{
    fprintf(stderr, "crawl: %s\n", note->text);
    return 2;
}

static enum err open_log(const struct settings *s, struct err_note *note)
{
    bool is_silent = s->is_quiet && !s->log; /* a log has its warnings also where nothing is printed */

    log_set_level(is_silent ? LOG_ERROR : s->is_verbose ? LOG_INFO : LOG_WARN);
    return s->log ? log_open(s->log, note) : OK;
}

/* It is written at the end: a night is not to be over before its folder is missed, or a pipe waited for. */
static enum err check_summary(const struct settings *s, struct err_note *note)
{
    const char *path = s->json_summary, *slash = path ? strrchr(path, '/') : NULL;
    char *folder;
    struct stat st;
    int rc;

    if (!path || strcmp(path, "-") == 0)
        return OK;
    if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        if (S_ISLNK(st.st_mode))
            return err_set(note, ERR_USAGE, "--json-summary %s: is a symbolic link (- is standard output)", path);
        if (!S_ISCHR(st.st_mode))
            return err_set(note, ERR_USAGE, "--json-summary %s: is not a file", path);
        return access(path, W_OK) ? err_set_errno(note, ERR_USAGE, errno, "--json-summary %s", path) : OK;
    }
    folder = mem_str_copy(slash ? span_make(path, (size_t)(slash - path) + 1) : SPAN("."));
    rc = access(folder, W_OK | X_OK);
    mem_free(folder);
    return rc ? err_set_errno(note, ERR_USAGE, errno, "--json-summary %s", path) : OK;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct settings s;
    struct err_note note;
    char **operands;
    bool has_work;
    size_t n;
    int code;

    if (settings_load(&s, argc, argv, environ, &operands, &n, &note))
        return fail(&note);
    has_work = n > 0 || access(s.db, F_OK) == 0;
    if (s.wants_help || (!has_work && argc < 2)) {
        code = command_help(self);
    } else if (s.wants_version) {
        code = versions_print();
    } else if (!has_work) {
        err_set(&note, ERR_USAGE, "no SEEDS were named, and there is no %s to go on with", s.db);
        code = fail(&note);
    } else if (check_summary(&s, &note) || open_log(&s, &note)) {
        code = fail(&note);
    } else {
        code = crawl_run(&s, operands, n);
    }
    log_flush();
    mem_free(operands);
    settings_clear(&s);
    return code;
}

const struct command cmd_run = {
    .name = "run",
    .usage = "[run] [OPTIONS] SEEDS...",
    .summary = "crawl from seeds, or go on with a database (the word run may be left out)",
    .description =
        "Crawls from SEEDS: files of URLs, - for standard input, or URLs. Pages, links, full text and\n"
        "the frontier go into one SQLite file; the same command continues an unfinished run, and\n"
        "begins a new one, asking conditionally, when the last one finished.\n"
        "\n"
        "  crawl seeds.txt                             these sites into crawl.db\n"
        "  crawl -o docs.db -d 3 https://example.org/  3 links deep, to docs.db\n"
        "  crawl sql broken-links                      ask the database\n",
    .options = &settings_table,
    .exec = run,
};
