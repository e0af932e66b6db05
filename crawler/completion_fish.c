/* SPDX-License-Identifier: MIT */
#include "crawler/completion.h"
#include "crawler/completion_words.h"

static const char HEAD[] =
    "# fish completion for crawl " CRAWL_VERSION ", made by: crawl --completion fish\n"
    "\n"
    "function __crawl_first\n"
    "    set -l words (commandline -opc)\n"
    "    test (count $words) -eq 1; or contains -- \"$words[2]\" --man --completion\n"
    "end\n"
    "\n"
    "function __crawl_in\n"
    "    set -l words (commandline -opc)\n"
    "    set -l command run\n"
    "    if contains -- \"$words[2]\" ";

static const char BEHIND_COMMANDS[] = "\n"
                                      "        set command $words[2]\n"
                                      "    end\n"
                                      "    contains -- $command $argv\n"
                                      "end\n"
                                      "\n"
                                      "complete -c crawl -f\n";

/* Text for within '...'. */
static enum err put_text(struct buf *out, const char *text)
{
    enum err e = OK;

    for (const char *p = text; !e && *p; p++) {
        if (*p == '\'' || *p == '\\')
            e = buf_append_byte(out, '\\');
        if (!e)
            e = buf_append_byte(out, *p);
    }
    return e;
}

static enum err put_about(struct buf *out, const char *about)
{
    enum err e = buf_append(out, SPAN(" -d '"));

    if (!e)
        e = put_text(out, about);
    return e ? e : buf_append_byte(out, '\'');
}

/* -x: a value, and no files; -r -F: a value, files too. */
static enum err put_value(struct buf *out, const struct option_spec *spec)
{
    struct completion_want want;
    enum err e;

    completion_words_of_option(spec, &want);
    if (want.is_file)
        return buf_append(out, SPAN(" -r -F"));
    if (want.is_folder)
        return buf_append(out, SPAN(" -x -a '(__fish_complete_directories)'"));
    e = buf_append(out, SPAN(" -x"));
    if (!e && want.n_words)
        e = buf_append(out,
                       want.is_list ? SPAN(" -a '(__fish_append , ") : SPAN(" -a '"));
    if (!e)
        e = completion_words_join(out, &want);
    if (!e && want.n_words)
        e = buf_append(out, want.is_list ? SPAN(")'") : SPAN("'"));
    return e;
}

/* condition: what stands between the quotes of -n. */
static enum err put_option(struct buf *out, struct span condition,
                           const struct option_spec *spec)
{
    enum err e = buf_printf(out, "complete -c crawl -n '%.*s'", SPAN_ARG(condition));

    if (!e && spec->letter)
        e = buf_printf(out, " -s %c", spec->letter);
    if (!e)
        e = buf_printf(out, " -l %s", spec->name);
    if (!e && spec->value)
        e = put_value(out, spec);
    if (!e)
        e = put_about(out, spec->help);
    return e ? e : buf_append_byte(out, '\n');
}

static enum err put_table(struct buf *out, struct span condition,
                          const struct option_table *t)
{
    enum err e = OK;

    for (size_t i = 0; !e && t && i < t->n_specs; i++)
        e = put_option(out, condition, &t->specs[i]);
    if (!e && t != &command_printers && !(t && options_find(t, SPAN("help"))))
        e = buf_printf(out, "complete -c crawl -n '%.*s' -s h -l help -d 'show help'\n",
                       SPAN_ARG(condition));
    return e;
}

static enum err put_options(struct buf *out, size_t command)
{
    struct buf condition;
    enum err e;

    buf_init(&condition, (size_t)16 * KIB);
    e = buf_append(&condition, SPAN("__crawl_in "));
    if (!e)
        e = completion_words_sharing(&condition, command, " ");
    if (!e)
        e = put_table(out, buf_span(&condition), command_list[command]->options);
    buf_clear(&condition);
    return e;
}

static enum err put_operands(struct buf *out, const struct command *c)
{
    struct completion_want want;
    enum err e = OK;

    completion_words_of_operands(c, &want);
    for (size_t i = 0; !e && i < want.n_words; i++) {
        e = buf_printf(out, "complete -c crawl -n '__crawl_in %s' -a '%.*s'", c->name,
                       SPAN_ARG(want.words[i].name));
        if (!e && want.words[i].about)
            e = put_about(out, want.words[i].about);
        if (!e)
            e = buf_append_byte(out, '\n');
    }
    if (!e && want.is_folder)
        e = buf_printf(
            out,
            "complete -c crawl -n '__crawl_in %s' -a '(__fish_complete_directories)'\n",
            c->name);
    return e || !want.is_file
               ? e
               : buf_printf(out, "complete -c crawl -n '__crawl_in %s' -F\n", c->name);
}

static enum err put_command(struct buf *out, const struct command *c)
{
    enum err e = buf_printf(out, "complete -c crawl -n __crawl_first -a '%s'", c->name);

    if (!e)
        e = put_about(out, c->summary);
    return e ? e : buf_append_byte(out, '\n');
}

enum err completion_fish(struct buf *out)
{
    enum err e = buf_append(out, span_str(HEAD));

    if (!e)
        e = completion_words_commands(out, " ");
    if (!e)
        e = buf_append(out, span_str(BEHIND_COMMANDS));
    for (size_t i = 0; !e && command_list[i]; i++)
        e = put_command(out, command_list[i]);
    for (size_t i = 0; !e && command_list[i]; i++)
        e = put_operands(out, command_list[i]);
    for (size_t i = 0; !e && command_list[i]; i++)
        e = completion_words_is_first(i) ? put_options(out, i) : OK;
    return e ? e : put_table(out, SPAN("__crawl_first"), &command_printers);
}
