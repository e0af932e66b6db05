/* SPDX-License-Identifier: MIT */
#include "crawler/completion.h"
#include "crawler/completion_words.h"

static const char HEAD[] =
    "#compdef crawl\n"
    "# zsh completion for crawl " CRAWL_VERSION ", made by: crawl --completion zsh\n";

static const char TAIL[] =
    "\n"
    "_crawl() {\n"
    "    local command=run\n"
    "    if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n"
    "        _alternative 'commands: :_crawl_commands' 'operands: :_crawl_run_operands'\n"
    "        return\n"
    "    fi\n"
    "    if (( CURRENT > 2 && ${+functions[_crawl_${words[2]}_operands]} )); then\n"
    "        command=$words[2]\n"
    "        shift words\n"
    "        (( CURRENT-- ))\n"
    "    fi\n"
    "    _crawl_${command}_options\n"
    "}\n"
    "\n"
    "_crawl \"$@\"\n";

/* Text for within '...', with a backslash before each byte of special. */
static enum err put_text(struct buf *out, const char *text, const char *special)
{
    enum err e = OK;

    for (const char *p = text; !e && *p; p++) {
        if (*p == '\'')
            e = buf_append(out, SPAN("'\\'"));
        else if (strchr(special, *p))
            e = buf_append_byte(out, '\\');
        if (!e)
            e = buf_append_byte(out, *p);
    }
    return e;
}

/* A function that offers words with what they are about. */
static enum err put_describe(struct buf *out, const char *title,
                             const struct completion_want *want)
{
    enum err e = buf_append(out, SPAN("    local -a entries=(\n"));

    for (size_t i = 0; !e && i < want->n_words; i++) {
        e = buf_printf(out, "        '%.*s", SPAN_ARG(want->words[i].name));
        if (!e && want->words[i].about)
            e = buf_append_byte(out, ':');
        if (!e && want->words[i].about)
            e = put_text(out, want->words[i].about, ":\\");
        if (!e)
            e = buf_append(out, SPAN("'\n"));
    }
    return e ? e
             : buf_printf(out, "    )\n    _describe -t %ss %s entries \"$@\"\n", title,
                          title);
}

/* Nothing to offer: the usage line says what goes there. */
static enum err put_message(struct buf *out, const struct command *c)
{
    enum err e = buf_append(out, SPAN("    _message 'crawl "));

    if (!e)
        e = put_text(out, c->usage, "");
    return e ? e : buf_append(out, SPAN("'\n"));
}

static enum err put_operands(struct buf *out, const struct command *c)
{
    struct completion_want want;
    enum err e = buf_printf(out, "\n_crawl_%s_operands() {\n", c->name);

    completion_words_of_operands(c, &want);
    if (!e && want.n_words)
        e = put_describe(out, "operand", &want);
    if (!e && want.is_file)
        e = buf_append(out, SPAN("    _files \"$@\"\n"));
    if (!e && want.is_folder)
        e = buf_append(out, SPAN("    _files -/ \"$@\"\n"));
    if (!e && !want.n_words && !want.is_file && !want.is_folder)
        e = put_message(out, c);
    return e ? e : buf_append(out, SPAN("}\n"));
}

static enum err put_commands(struct buf *out)
{
    struct completion_want want = { .n_words = 0 };
    enum err e = buf_append(out, SPAN("\n_crawl_commands() {\n"));

    for (size_t i = 0; command_list[i]; i++)
        want.words[want.n_words++] =
            (struct completion_word){ span_str(command_list[i]->name),
                                      command_list[i]->summary };
    if (!e)
        e = put_describe(out, "command", &want);
    return e ? e : buf_append(out, SPAN("}\n"));
}

/* ":FILE:_files" behind an option's description. */
static enum err put_value(struct buf *out, const struct option_spec *spec)
{
    struct completion_want want;
    enum err e = buf_append_byte(out, ':');

    completion_words_of_option(spec, &want);
    if (!e)
        e = put_text(out, spec->value, ":\\");
    if (!e)
        e = buf_append_byte(out, ':');
    if (!e && want.n_words)
        e = buf_append(out, want.is_list ? SPAN("_sequence compadd - ") : SPAN("("));
    if (!e)
        e = completion_words_join(out, &want);
    if (!e && want.n_words && !want.is_list)
        e = buf_append_byte(out, ')');
    if (!e && !want.n_words)
        e = buf_append(out, want.is_file     ? SPAN("_files")
                            : want.is_folder ? SPAN("_files -/")
                                             : SPAN(" "));
    return e;
}

/* '(-o --db)'{-o+,--db=}'[the database]:FILE:_files' */
static enum err put_option(struct buf *out, const struct option_spec *spec)
{
    const char *star = spec->type == OPTION_LIST ? "*" : "",
               *equals = spec->value ? "=" : "";
    enum err e = buf_append(out, SPAN("        "));

    if (!e && spec->letter && !star[0])
        e = buf_printf(out, "'(-%c --%s)'{-%c%s,--%s%s}'[", spec->letter, spec->name,
                       spec->letter, spec->value ? "+" : "", spec->name, equals);
    else if (!e && spec->letter)
        e = buf_printf(out, "'*'{-%c+,--%s=}'[", spec->letter, spec->name);
    else if (!e)
        e = buf_printf(out, "'%s--%s%s[", star, spec->name, equals);
    if (!e)
        e = put_text(out, spec->help, "[]:\\");
    if (!e)
        e = buf_append_byte(out, ']');
    if (!e && spec->value)
        e = put_value(out, spec);
    return e ? e : buf_append(out, SPAN("' \\\n"));
}

static enum err put_table(struct buf *out, const struct option_table *t)
{
    enum err e = OK;

    for (size_t i = 0; !e && t && i < t->n_specs; i++)
        e = put_option(out, &t->specs[i]);
    return e;
}

static enum err put_options(struct buf *out, const struct command *c)
{
    enum err e =
        buf_printf(out, "\n_crawl_%s_options() {\n    _arguments -s -S \\\n", c->name);

    if (!e)
        e = put_table(out, c->options);
    if (!e && c == &cmd_run)
        e = put_table(out, &command_printers);
    if (!e && !(c->options && options_find(c->options, SPAN("help"))))
        e = buf_append(out, SPAN("        '(-h --help)'{-h,--help}'[show help]' \\\n"));
    return e ? e : buf_printf(out, "        '*: :_crawl_%s_operands'\n}\n", c->name);
}

enum err completion_zsh(struct buf *out)
{
    enum err e = buf_append(out, span_str(HEAD));

    if (!e)
        e = put_commands(out);
    for (size_t i = 0; !e && command_list[i]; i++) {
        e = put_operands(out, command_list[i]);
        if (!e)
            e = put_options(out, command_list[i]);
    }
    return e ? e : buf_append(out, span_str(TAIL));
}
