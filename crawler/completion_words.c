/* SPDX-License-Identifier: MIT */
#include "crawler/completion_words.h"

#include "store/reader.h"

static void add(struct completion_want *want, struct span name, const char *about)
{
    BUG_IF(want->n_words == COMPLETION_MAX_WORDS);
    want->words[want->n_words++] = (struct completion_word){ name, about };
}

static void add_reports(struct completion_want *want)
{
    for (const struct reader_report *p = reader_reports; p->name; p++)
        add(want, span_str(p->name), p->about);
}

static void add_pages(struct completion_want *want)
{
    add(want, SPAN("crawl"), "the program");
    add(want, SPAN("crawl.conf"), "the configuration file");
    add(want, SPAN("crawl-schema.7"), "the database");
    for (size_t i = 0; command_list[i]; i++)
        add(want, span_str(command_list[i]->name), command_list[i]->summary);
    add(want, SPAN("list"), "the names of all pages");
}

/* One word of a usage line or of a value's name. */
static void add_meaning(struct completion_want *want, struct span word)
{
    want->is_file |= span_eq(word, SPAN("FILE")) || span_eq(word, SPAN("SEEDS"));
    want->is_folder |= span_eq(word, SPAN("DIR"));
    if (span_eq(word, SPAN("REPORT")))
        add_reports(want);
    else if (span_eq(word, SPAN("PAGE")))
        add_pages(want);
    else if (word.ptr[0] >= 'a' && word.ptr[0] <= 'z')
        add(want, word, NULL);
}

void completion_words_of_option(const struct option_spec *spec,
                                struct completion_want *out)
{
    struct span rest = span_str(spec->choices), word;

    *out = (struct completion_want){ .is_list =
                                         spec->choices && spec->type == OPTION_LIST };
    while (span_split(&rest, '|', &word))
        add(out, word, NULL);
    rest = span_str(spec->value);
    while (!spec->choices && span_split(&rest, '|', &word))
        if (word.len && !(word.ptr[0] >= 'a' && word.ptr[0] <= 'z'))
            add_meaning(out, word);
}

/* The next word of a usage line: what lies between blanks, brackets, bars and dots. */
static bool next_word(struct span *rest, struct span *out)
{
    size_t from = 0, to;

    while (from < rest->len && strchr(" []|.", rest->ptr[from]))
        from++;
    to = from;
    while (to < rest->len && !strchr(" []|.", rest->ptr[to]))
        to++;
    *out = span_slice(*rest, from, to);
    *rest = span_skip(*rest, to);
    return out->len > 0;
}

void completion_words_of_operands(const struct command *c, struct completion_want *out)
{
    struct span rest = span_str(c->usage), word;
    bool is_value = false; /* of the option before it: "-o FILE" */

    *out = (struct completion_want){ .n_words = 0 };
    while (next_word(&rest, &word)) {
        bool is_option = word.ptr[0] == '-' && word.len > 1;

        if (!is_value && !is_option && !span_eq(word, span_str(c->name)))
            add_meaning(out, word);
        is_value = is_option && rest.len && rest.ptr[0] == ' '; /* not "[-q] URL" */
    }
}

bool completion_words_is_first(size_t command)
{
    for (size_t i = 0; i < command; i++)
        if (command_list[i]->options == command_list[command]->options)
            return false;
    return true;
}

/* The commands with these options, or all where any is true. */
static enum err join_commands(struct buf *out, const struct option_table *options,
                              bool any, const char *sep)
{
    enum err e = OK;

    for (size_t i = 0, n = 0; !e && command_list[i]; i++)
        if (any || command_list[i]->options == options)
            e = buf_printf(out, "%s%s", n++ ? sep : "", command_list[i]->name);
    return e;
}

enum err completion_words_sharing(struct buf *out, size_t command, const char *sep)
{
    return join_commands(out, command_list[command]->options, false, sep);
}

enum err completion_words_commands(struct buf *out, const char *sep)
{
    return join_commands(out, NULL, true, sep);
}

enum err completion_words_join(struct buf *out, const struct completion_want *want)
{
    enum err e = OK;

    for (size_t i = 0; !e && i < want->n_words; i++)
        e = buf_printf(out, "%s%.*s", i ? " " : "", SPAN_ARG(want->words[i].name));
    return e;
}
