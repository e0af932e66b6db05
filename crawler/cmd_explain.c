/* SPDX-License-Identifier: MIT */
#include <signal.h>

#include "config/arena.h"
#include "config/mem.h"
#include "crawler/command.h"
#include "crawler/show.h"
#include "parse/url.h"

static const struct option_spec specs[] = {
    { "db", 'o', OPTION_TEXT, offsetof(struct show_options, db), 0, 0, "crawl.db", NULL, 0, "FILE",
      "the database", "Options" },
};
static const struct option_table table = { specs, ARRAY_LEN(specs) };

/* The key under which a URL that somebody typed is known. */
static bool key_of(const char *text, struct arena *mem, struct span *out)
{
    struct url u;

    return url_parse(span_str(text), NULL, mem, &u) == OK && url_page(&u, mem, &u) == OK &&
           url_normalize(&u, mem, out) == OK;
}

/* The row's id, as text. */
struct answer {
    struct arena *mem;
    struct span text; /* SPAN_NONE: no row */
};

/* Prints what is set of the row, a line each, and keeps its id. */
static enum err on_url_row(void *arg, const struct span *columns, const struct reader_value *values,
                           size_t n)
{
    struct answer *a = arg;

    if (!values)
        return OK;
    a->text = arena_format(a->mem, "%lld", (long long)values[0].integer);
    for (size_t i = 1; i < n; i++) {
        if (values[i].type == READER_INTEGER)
            printf("  %-14.*s%lld\n", SPAN_ARG(columns[i]), (long long)values[i].integer);
        else if (values[i].type == READER_TEXT)
            printf("  %-14.*s%.*s\n", SPAN_ARG(columns[i]), SPAN_ARG(values[i].text));
    }
    return OK;
}

static int explain(struct reader *r, const char *text, struct arena *mem)
{
    struct answer id = { .mem = mem };
    struct err_note note;
    struct span key;
    int code = 0;

    if (!key_of(text, mem, &key)) {
        fprintf(stderr, "crawl explain: '%s' is no URL\n", text);
        return 2;
    }
    if (reader_query(r, span_str(reader_explanations[0].sql), &key, 1, on_url_row, &id, &note)) {
        fprintf(stderr, "crawl explain: %s\n", note.text);
        return 3;
    }
    if (!id.text.ptr) {
        printf("%.*s\n", SPAN_ARG(key));
        printf("has never been seen: no seed, link, redirect or sitemap in this database led to it\n");
        return 0;
    }
    fflush(stdout);
    for (const struct reader_report *p = reader_explanations + 1; !code && p->name; p++)
        code = show_section("explain", r, p->name, span_str(p->sql), id.text);
    return code;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct show_options o = { 0 };
    struct reader *r;
    struct arena mem;
    char **operands;
    int code = 2;
    size_t n;

    if (!command_parse(self, &o, argc, argv, &operands, &n, &code))
        return code;
    signal(SIGPIPE, SIG_IGN);
    arena_init(&mem, (size_t)MIB);
    if (n != 1) {
        fprintf(stderr, "crawl explain: name one URL\n");
        code = 2;
    } else {
        r = show_open("explain", &o, &code);
        if (r)
            code = explain(r, operands[0], &mem);
        reader_close(r);
    }
    arena_clear(&mem);
    mem_free(operands);
    options_clear(&table, &o);
    return code;
}

const struct command cmd_explain = {
    .name = "explain",
    .usage = "explain [-o FILE] URL",
    .summary = "why a URL was or was not fetched: where it was found, which rule, every attempt",
    .description = "Tells everything the database knows about one URL: its state and the rule that decided, where\n"
                   "it was first seen, its host's robots.txt state, every attempt, where it redirects, and which\n"
                   "pages link to it.\n",
    .options = &table,
    .exec = run,
};
