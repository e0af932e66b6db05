/* SPDX-License-Identifier: MIT */
#include "crawler/roff.h"

#define EXAMPLE_WIDTH \
    71 /* of a terminal's 80 columns, behind man's own margin and before a backslash */
#define SOURCE_WIDTH \
    72 /* running text begins a new line of source at the blank before it */

/* Outside of letters: what ASCII it is, and how roff is told to print just that. */
static const struct {
    char c;
    const char *roff;
} escapes[] = {
    { '\\', "\\e" },  { '-', "\\-" },   { '\'', "\\(aq" },
    { '^', "\\(ha" }, { '~', "\\(ti" }, { '`', "\\(ga" },
};

static enum err put_char(struct buf *out, char c)
{
    for (size_t i = 0; i < ARRAY_LEN(escapes); i++)
        if (escapes[i].c == c)
            return buf_append(out, span_str(escapes[i].roff));
    return buf_append_byte(out, c);
}

enum err roff_text(struct buf *out, struct span text)
{
    enum err e = OK;

    for (size_t i = 0; !e && i < text.len; i++) {
        bool begins_line = !out->len || out->ptr[out->len - 1] == '\n';

        if (begins_line && text.ptr[i] == '.')
            e = buf_append(out, SPAN("\\&"));
        if (!e)
            e = put_char(out, text.ptr[i]);
    }
    return e;
}

/* Bytes since the last end of line. */
static size_t column(const struct buf *out)
{
    size_t n = 0;

    while (n < out->len && out->ptr[out->len - 1 - n] != '\n')
        n++;
    return n;
}

enum err roff_fill(struct buf *out, struct span text)
{
    struct span word;
    enum err e = OK;

    for (size_t n = 0; !e && span_token(&text, &word); n++) {
        if (n)
            e = buf_append_byte(out,
                                column(out) + word.len >= SOURCE_WIDTH ? '\n' : ' ');
        if (!e)
            e = roff_text(out, word);
    }
    return e ? e : buf_append_byte(out, '\n');
}

enum err roff_section(struct buf *out, const char *title)
{
    return buf_printf(out, ".SH %s\n", title);
}

/* --- usage ---------------------------------------------------------------------- */

static bool is_ours(char c)
{
    return c && strchr("[]{}|:= .'", c);
}

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

enum err roff_usage(struct buf *out, struct span usage)
{
    enum err e = OK;

    for (size_t i = 0, end; !e && i < usage.len; i = end) {
        end = i + 1;
        if (is_ours(usage.ptr[i])) {
            e = roff_text(out, span_slice(usage, i, end));
            continue;
        }
        while (end < usage.len && !is_ours(usage.ptr[end]))
            end++;
        e = buf_append(out, is_capital(usage.ptr[i]) ? SPAN("\\fI") : SPAN("\\fB"));
        if (!e)
            e = roff_text(out, span_slice(usage, i, end));
        if (!e)
            e = buf_append(out, SPAN("\\fR"));
    }
    return e;
}

/* --- paragraphs ------------------------------------------------------------------ */

/* Where a line that is too long may end: behind a pipe, else at the last blank in no quotes. */
static size_t cut_at(struct span line, size_t width)
{
    size_t cut = line.len;
    bool is_behind_pipe = false;
    char quote = 0;

    for (size_t i = 0; line.len > width && i < width; i++) {
        char c = line.ptr[i];

        if (c == quote)
            quote = 0;
        else if (!quote && (c == '\'' || c == '"'))
            quote = c;
        if (c != ' ' || quote || i <= 4 || (is_behind_pipe && line.ptr[i - 1] != '|'))
            continue;
        is_behind_pipe = line.ptr[i - 1] == '|';
        cut = i;
    }
    return cut;
}

enum err roff_example(struct buf *out, struct span line, bool is_shell)
{
    size_t width = EXAMPLE_WIDTH, cut = cut_at(line, width);
    enum err e = roff_text(out, span_slice(line, 0, cut));

    while (!e && cut < line.len) {
        bool needs_sign = is_shell && line.ptr[cut - 1] != '|';

        line = span_skip(line, cut + 1);
        width = EXAMPLE_WIDTH - strlen("    ");
        cut = cut_at(line, width);
        e = buf_append(out, needs_sign ? SPAN(" \\e\n    ") : SPAN("\n    "));
        if (!e)
            e = roff_text(out, span_slice(line, 0, cut));
    }
    return e ? e : buf_append_byte(out, '\n');
}

enum err roff_paragraphs(struct buf *out, struct span text)
{
    struct span line;
    bool is_example = false, is_new = false;
    enum err e = OK;

    while (!e && span_split(&text, '\n', &line)) {
        bool wants_example = line.len && line.ptr[0] == ' ';

        if (is_example && !wants_example)
            e = buf_append(out, SPAN(".EE\n"));
        if (!e && line.len && (is_new || wants_example != is_example))
            e = buf_append(out, SPAN(".PP\n"));
        if (!e && wants_example && !is_example)
            e = buf_append(out, SPAN(".EX\n"));
        if (!e && wants_example)
            e = roff_example(out, line, true);
        else if (!e && line.len)
            e = roff_fill(out, line);
        is_example = wants_example;
        is_new = !line.len;
    }
    return e || !is_example ? e : buf_append(out, SPAN(".EE\n"));
}

/* --- options ----------------------------------------------------------------------- */

static bool begins_with_choice(const struct option_spec *spec, struct span help)
{
    struct span rest = span_str(spec->choices), word;

    while (span_split(&rest, '|', &word))
        if (span_starts(help, word))
            return true;
    return false;
}

enum err roff_help(struct buf *out, const struct option_spec *spec, const char *help)
{
    char sentence[512];

    if (spec->choices && strcmp(help, spec->choices) == 0)
        return OK;
    snprintf(sentence, sizeof sentence, "%s.", help);
    if (sentence[0] >= 'a' && sentence[0] <= 'z' &&
        !begins_with_choice(spec, span_str(sentence)))
        sentence[0] = (char)(sentence[0] - 'a' + 'A');
    return roff_fill(out, span_str(sentence));
}

enum err roff_default(struct buf *out, const struct option_spec *spec)
{
    enum err e;

    if (!spec->initial || !spec->initial[0] || spec->type == OPTION_FLAG)
        return OK;
    e = buf_append(out, SPAN("Default: "));
    if (!e)
        e = roff_text(out, span_str(spec->initial));
    return e ? e : buf_append(out, SPAN(".\n"));
}

/* What follows the option's name: the words that it may be, or what stands for them. */
static enum err put_value(struct buf *out, const struct option_spec *spec)
{
    enum err e = buf_append_byte(out, ' ');

    if (!e)
        e = roff_usage(
            out, span_str(spec->type == OPTION_CHOICE ? spec->choices : spec->value));
    return e;
}

static enum err put_option(struct buf *out, const struct option_spec *spec)
{
    enum err e = buf_append(out, SPAN(".TP\n"));

    if (!e && spec->letter)
        e = buf_printf(out, "\\fB\\-%c\\fR, ", spec->letter);
    if (!e)
        e = buf_append(out, SPAN("\\fB\\-\\-"));
    if (!e)
        e = roff_text(out, span_str(spec->name));
    if (!e)
        e = buf_append(out, SPAN("\\fR"));
    if (!e && spec->value)
        e = put_value(out, spec);
    if (!e)
        e = buf_append_byte(out, '\n');
    if (!e)
        e = roff_help(out, spec, spec->help);
    if (!e)
        e = roff_default(out, spec);
    if (!e && spec->type == OPTION_LIST)
        e = buf_append(out, SPAN("May be given more than once.\n"));
    return e;
}

enum err roff_options(struct buf *out, const struct option_table *t)
{
    enum err e = OK;

    for (size_t i = 0; !e && i < t->n_specs; i++) {
        if (t->specs[i].group)
            e = buf_printf(out, ".SS %s\n", t->specs[i].group);
        if (!e)
            e = put_option(out, &t->specs[i]);
    }
    return e;
}
