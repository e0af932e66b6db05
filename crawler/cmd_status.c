/* SPDX-License-Identifier: MIT */
#include <signal.h>

#include "config/mem.h"
#include "crawler/command.h"
#include "crawler/show.h"

static const struct option_spec specs[] = {
    { "db", 'o', OPTION_TEXT, offsetof(struct show_options, db), 0, 0, "crawl.db", NULL,
      0, "FILE", "the database", "Options" },
};
static const struct option_table table = { specs, ARRAY_LEN(specs) };

static int run(const struct command *self, int argc, char **argv)
{
    struct show_options o = { 0 };
    struct reader *r;
    char **operands;
    int code = 0;
    size_t n;

    if (!command_parse(self, &o, argc, argv, &operands, &n, &code))
        return code;
    signal(SIGPIPE, SIG_IGN);
    r = show_open_alone("status", &o, operands, n, &code);
    mem_free(operands);
    for (const struct reader_report *p = reader_status; r && !code && p->name; p++)
        code = show_section("status", r, p->name, span_str(p->sql), SPAN_NONE);
    reader_close(r);
    options_clear(&table, &o);
    return code;
}

const struct command cmd_status = {
    .name = "status",
    .usage = "status [-o FILE]",
    .summary =
        "where a crawl stands: run, URLs by state and reason, requests, queued hosts",
    .description =
        "Shows where a crawl stands, also while it runs: the latest run, URLs by state and reason,\n"
        "the requests of that run by outcome, and the hosts with the longest queues.\n",
    .options = &table,
    .exec = run,
};
