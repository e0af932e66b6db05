/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "config/mem.h"
#include "config/settings.h"
#include "config/settings_extract.h"
#include "crawler/command.h"
#include "crawler/lookup_extract.h"
#include "crawler/versions.h"

/* --rule is this command's alone: it is taken out of argv before the options of a crawl are read. */
struct rules {
    struct extract_section section;
    char **rest; /* argv without them */
    int n_rest;
};

static enum err take_rule(struct rules *r, const char *text, struct err_note *note)
{
    if (!text)
        return err_set(note, ERR_USAGE,
                       "--rule: it must be 'name=TYPE XPATH' or 'name=XPATH'");
    return settings_extract_rule(&r->section, span_str(text), "--rule", note);
}

static enum err take_rules(struct rules *r, int argc, char **argv,
                           struct err_note *note)
{
    static const char prefix[] = "--rule=";
    bool is_over = false;
    enum err e = OK;

    r->rest = mem_array((size_t)argc + 1, sizeof *r->rest);
    for (int i = 0; !e && i < argc; i++) {
        is_over |= strcmp(argv[i], "--") == 0;
        if (!is_over && strncmp(argv[i], prefix, sizeof prefix - 1) == 0)
            e = take_rule(r, argv[i] + sizeof prefix - 1, note);
        else if (!is_over && strcmp(argv[i], "--rule") == 0) {
            e = take_rule(r, argv[i + 1], note);
            i++;
        } else {
            r->rest[r->n_rest++] = argv[i];
        }
    }
    return e;
}

/* Rules of the command line stand in for all sections of the file, whatever the URL. */
static void use_rules(struct settings *s, struct rules *r)
{
    if (!r->section.n_rules)
        return;
    for (size_t i = 0; i < s->n_extracts; i++)
        settings_extract_clear(&s->extracts[i]);
    mem_free(s->extracts);
    s->extracts = mem_alloc(sizeof *s->extracts);
    s->n_extracts = 1;
    s->extracts[0] = r->section;
    s->extracts[0].name = mem_str_copy(SPAN("rule"));
    r->section = (struct extract_section){ 0 };
}

static int run_with(const struct command *self, struct rules *r)
{
    struct settings s;
    struct err_note note;
    char **operands;
    int code;
    size_t n;

    if (settings_load(&s, r->n_rest, r->rest, environ, &operands, &n, &note)) {
        fprintf(stderr, "crawl extract: %s\n", note.text);
        return 2;
    }
    use_rules(&s, r);
    if (s.wants_help)
        code = command_help(self);
    else if (s.wants_version)
        code = versions_print();
    else if (n != 1)
        code = fprintf(stderr, "crawl extract: name one URL\n") < 0 ? 3 : 2;
    else
        code = lookup_extract(&s, operands[0]);
    mem_free(operands);
    settings_clear(&s);
    return code;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct rules r = { .section = { 0 } };
    struct err_note note;
    int code;

    if (take_rules(&r, argc, argv, &note)) {
        fprintf(stderr, "crawl extract: %s\n", note.text);
        code = 2;
    } else {
        code = run_with(self, &r);
    }
    settings_extract_clear(&r.section);
    mem_free(r.rest);
    return code;
}

const struct command cmd_extract = {
    .name = "extract",
    .usage = "extract [--rule 'NAME=[TYPE] XPATH']... [OPTIONS] URL",
    .summary = "fetch one page and print what extraction rules find in it",
    .description =
        "Fetches URL as a crawl would (robots.txt first, redirects followed), and prints what the [extract]\n"
        "sections of crawl.conf that match it find, as one line of JSON. With --rule only those rules hold,\n"
        "whatever the URL. TYPE is string, list, number, date or html; XPATH is XPath 1.0. With --facts also\n"
        "JSON-LD, OpenGraph, Twitter card and microdata. Takes the options of a crawl that concern a request.\n"
        "Exit code 0 printed, 1 the page was not to be had.\n"
        "\n"
        "  crawl extract --rule 'price=number //span[@class=\"price\"]' https://example.org/p/1\n",
    .options = &settings_table,
    .exec = run,
};
