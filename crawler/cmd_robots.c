/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "config/mem.h"
#include "config/settings.h"
#include "crawler/command.h"
#include "crawler/lookup.h"
#include "crawler/versions.h"

static int run(const struct command *self, int argc, char **argv)
{
    struct settings s;
    struct err_note note;
    char **operands;
    int code;
    size_t n;

    if (settings_load(&s, argc, argv, environ, &operands, &n, &note)) {
        fprintf(stderr, "crawl robots: %s\n", note.text);
        return 2;
    }
    if (s.wants_help)
        code = command_help(self);
    else if (s.wants_version)
        code = versions_print();
    else if (n != 1)
        code = fprintf(stderr, "crawl robots: name one URL\n") < 0 ? 3 : 2;
    else
        code = lookup_robots(&s, operands[0]);
    mem_free(operands);
    settings_clear(&s);
    return code;
}

const struct command cmd_robots = {
    .name = "robots",
    .usage = "robots [OPTIONS] URL",
    .summary = "fetch the robots.txt of a URL's host and say what it means for us",
    .description =
        "Fetches the robots.txt of URL's origin, shows what its answer means (RFC 9309), the rules that are\n"
        "ours, Crawl-delay and sitemaps, and whether URL may be fetched and which line decides. Takes the\n"
        "options of a crawl that concern a request. Exit code 0 allowed, 1 disallowed.\n",
    .options = &settings_table,
    .exec = run,
};
