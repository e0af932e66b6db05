/* SPDX-License-Identifier: MIT */
#include "config/options.h"

#include "config/fill.h"
#include "config/log.h"
#include "config/mem.h"

#define MAX_SHOWN 60 /* bytes of a wrong value that an error repeats */

static void *field_of(void *target, const struct option_spec *spec)
{
    return (char *)target + spec->field;
}

/* --- values ----------------------------------------------------------------- */

/* Up to three digits behind a point, as a part of the unit. The smallest unit has no parts. */
static enum err parse_fraction(struct span digits, int64_t unit, int64_t *out)
{
    int64_t scale = 1;
    uint64_t fraction;

    if (digits.len > 3 || unit == 1 || !span_parse_u64(digits, &fraction))
        return ERR_INVALID;
    for (size_t i = 0; i < digits.len; i++)
        scale *= 10;
    *out = (int64_t)fraction * unit / scale;
    return OK;
}

/* A number in some unit, "1.5" too; overflow is an error. */
static enum err parse_scaled(struct span number, int64_t unit, int64_t *out)
{
    size_t dot = span_find(number, '.');
    int64_t whole, value, fraction = 0;

    if (!span_parse_i64(span_slice(number, 0, dot), &whole) || whole < 0)
        return ERR_INVALID;
    if (dot < number.len && parse_fraction(span_skip(number, dot + 1), unit, &fraction))
        return ERR_INVALID;
    if (__builtin_mul_overflow(whole, unit, &value) || __builtin_add_overflow(value, fraction, &value))
        return ERR_INVALID;
    *out = value;
    return OK;
}

struct unit {
    const char *name;
    int64_t factor;
};

static enum err parse_units(struct span s, const struct unit *units, size_t n, int64_t *out)
{
    size_t digits = 0;

    while (digits < s.len && (s.ptr[digits] == '.' || (s.ptr[digits] >= '0' && s.ptr[digits] <= '9')))
        digits++;
    for (size_t i = 0; i < n; i++)
        if (span_eq_nocase(span_skip(s, digits), span_str(units[i].name)))
            return parse_scaled(span_slice(s, 0, digits), units[i].factor, out);
    return ERR_INVALID;
}

enum err options_parse_duration(struct span s, int64_t *out_ms)
{
    static const struct unit units[] = { { "ms", 1 },      { "s", 1000 },      { "m", 60000 },
                                         { "h", 3600000 }, { "d", 86400000 } };

    if (span_eq(s, SPAN("0"))) {
        *out_ms = 0;
        return OK;
    }
    return parse_units(s, units, ARRAY_LEN(units), out_ms);
}

enum err options_parse_size(struct span s, int64_t *out_bytes)
{
    static const struct unit units[] = { { "", 1 },    { "B", 1 },    { "K", KIB },  { "M", MIB },
                                         { "G", GIB }, { "KB", KIB }, { "MB", MIB }, { "GB", GIB },
                                         { "KiB", KIB }, { "MiB", MIB }, { "GiB", GIB } };

    return parse_units(s, units, ARRAY_LEN(units), out_bytes);
}

static enum err parse_flag(struct span s, bool *out)
{
    static const char *const yes[] = { "yes", "true", "on", "1" };
    static const char *const no[] = { "no", "false", "off", "0" };

    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        if (span_eq_nocase(s, span_str(yes[i]))) {
            *out = true;
            return OK;
        }
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        if (span_eq_nocase(s, span_str(no[i]))) {
            *out = false;
            return OK;
        }
    return ERR_INVALID;
}

static enum err parse_choice(struct span s, const char *choices, int *out)
{
    struct span rest = span_str(choices), word;

    for (int i = 0; span_split(&rest, '|', &word); i++)
        if (span_eq_nocase(word, s)) {
            *out = i;
            return OK;
        }
    return ERR_INVALID;
}

static enum err parse_number(const struct option_spec *spec, struct span s, int64_t *out)
{
    int64_t value = 0;
    enum err e;

    if (spec->min < 0 && span_eq_nocase(s, SPAN("none"))) {
        *out = -1;
        return OK;
    }
    if (spec->type == OPTION_DURATION)
        e = options_parse_duration(s, &value);
    else if (spec->type == OPTION_SIZE)
        e = options_parse_size(s, &value);
    else
        e = span_parse_i64(s, &value) ? OK : ERR_INVALID;
    if (e || value < MAX(spec->min, 0) || value > spec->max)
        return ERR_INVALID;
    *out = value;
    return OK;
}

/* Text comes in one line: a header, a file name or a pattern with control bytes is a mistake or worse. */
static bool is_text(const struct option_spec *spec, struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return s.len >= (size_t)MAX(spec->min, 0);
}

/* A bound of the range in the largest unit that gives a whole number. */
static const char *format_bound(const struct option_spec *spec, int64_t value, char out[24])
{
    static const struct unit durations[] = { { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 },
                                             { "s", 1000 },     { "ms", 1 } };
    static const struct unit sizes[] = { { "G", GIB }, { "M", MIB }, { "K", KIB }, { "", 1 } };
    const struct unit *u = spec->type == OPTION_DURATION ? durations : sizes;

    if (spec->type == OPTION_COUNT || !value) {
        snprintf(out, 24, "%lld", (long long)value);
        return out;
    }
    while (value % u->factor)
        u++;
    snprintf(out, 24, "%lld%s", (long long)(value / u->factor), u->name);
    return out;
}

void options_describe(const struct option_spec *spec, char *out, size_t size)
{
    const char *what = "a whole number", *none = spec->min < 0 ? ", or none" : "";
    char min[24], max[24];

    switch (spec->type) {
    case OPTION_FLAG:
        snprintf(out, size, "yes or no");
        return;
    case OPTION_CHOICE:
        snprintf(out, size, "one of %s", spec->choices);
        return;
    case OPTION_TEXT:
    case OPTION_LIST:
        snprintf(out, size, "one line of text%s", spec->min > 0 ? ", not empty" : "");
        return;
    case OPTION_DURATION:
        what = "a duration with its unit (500ms, 2s, 5m, 1h, 7d)";
        break;
    case OPTION_SIZE:
        what = "a size (65536, 64K, 10M, 1G)";
        break;
    case OPTION_COUNT:
        break;
    }
    format_bound(spec, MAX(spec->min, 0), min);
    if (spec->max == INT64_MAX)
        snprintf(out, size, "%s from %s%s", what, min, none);
    else
        snprintf(out, size, "%s from %s to %s%s", what, min, format_bound(spec, spec->max, max), none);
}

/* "--exclude" says it all; "crawl.conf:7" not what stands there. */
static char *name_place(const char *where, const struct option_spec *spec)
{
    char text[512];

    if (span_starts(span_str(where), SPAN("--")) && strcmp(where + 2, spec->name) == 0)
        return mem_str_copy(span_str(where));
    snprintf(text, sizeof text, "%s: %s", where, spec->name);
    return mem_str_copy(span_str(text));
}

static void list_append(struct text_list *list, const struct option_spec *spec, struct span value, const char *where)
{
    struct text_item *grown = mem_array(list->len + 1, sizeof *grown);

    for (size_t i = 0; i < list->len; i++)
        grown[i] = list->items[i];
    grown[list->len] = (struct text_item){ mem_str_copy(value), name_place(where, spec), spec->tag };
    mem_free(list->items);
    list->items = grown;
    list->len++;
}

static enum err set_value(void *field, const struct option_spec *spec, struct span value, const char *where)
{
    char **text = field;

    switch (spec->type) {
    case OPTION_FLAG:
        return parse_flag(value, field);
    case OPTION_COUNT:
    case OPTION_DURATION:
    case OPTION_SIZE:
        return parse_number(spec, value, field);
    case OPTION_CHOICE:
        return parse_choice(value, spec->choices, field);
    case OPTION_TEXT:
        if (!is_text(spec, value))
            return ERR_INVALID;
        mem_free(*text);
        *text = mem_str_copy(value);
        return OK;
    case OPTION_LIST:
        if (!is_text(spec, value))
            return ERR_INVALID;
        list_append(field, spec, value, where);
        return OK;
    }
    return ERR_INVALID;
}

/* A user's text as an error may repeat it: cut, and harmless on a terminal. */
struct shown {
    char text[MAX_SHOWN * 4 + 1];
};

static struct shown show(struct span s)
{
    struct shown out = { "" };
    struct buf safe;

    buf_init(&safe, sizeof out.text - 1);
    if (log_escape(&safe, span_clip_utf8(s, MAX_SHOWN)) == OK && safe.len)
        memcpy(out.text, safe.ptr, safe.len);
    buf_clear(&safe);
    return out;
}

enum err options_set(const struct option_table *t, void *target, const struct option_spec *spec,
                     struct span value, const char *where, struct err_note *note)
{
    char range[160];

    (void)t;
    if (set_value(field_of(target, spec), spec, value, where) == OK)
        return OK;
    options_describe(spec, range, sizeof range);
    return err_set(note, ERR_USAGE, "%s: '%s' is not possible for %s: it must be %s", where,
                   show(value).text, spec->name, range);
}

void options_clear_list(struct text_list *list)
{
    for (size_t i = 0; i < list->len; i++) {
        mem_free(list->items[i].text);
        mem_free(list->items[i].where);
    }
    mem_free(list->items);
    *list = (struct text_list){ 0 };
}

/* --- the table ---------------------------------------------------------------- */

void options_set_defaults(const struct option_table *t, void *target)
{
    for (size_t i = 0; i < t->n_specs; i++) {
        const struct option_spec *spec = &t->specs[i];

        if (spec->initial)
            BUG_IF(set_value(field_of(target, spec), spec, span_str(spec->initial), "the default"));
    }
}

void options_clear(const struct option_table *t, void *target)
{
    for (size_t i = 0; i < t->n_specs; i++) {
        const struct option_spec *spec = &t->specs[i];

        if (spec->type == OPTION_TEXT) {
            char **text = field_of(target, spec);

            mem_free(*text);
            *text = NULL;
        } else if (spec->type == OPTION_LIST) {
            options_clear_list(field_of(target, spec));
        }
    }
}

const struct option_spec *options_find(const struct option_table *t, struct span name)
{
    for (size_t i = 0; i < t->n_specs; i++)
        if (span_eq(name, span_str(t->specs[i].name)))
            return &t->specs[i];
    return NULL;
}

/* Optimal string alignment distance; words over 30 bytes are far from everything. */
static size_t edit_distance(struct span a, struct span b)
{
    size_t rows[3][32];

    if (a.len > 30 || b.len > 30)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

        now[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t cost = a.ptr[i - 1] != b.ptr[j - 1];

            now[j] = MIN(MIN(last[j] + 1, now[j - 1] + 1), last[j - 1] + cost);
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1])
                now[j] = MIN(now[j], before[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

const char *options_nearest(struct span name, const char *const *words, size_t n)
{
    const char *best = NULL;
    size_t best_distance = MAX((size_t)1, name.len / 3) + 1;

    for (size_t i = 0; i < n; i++) {
        struct span word = span_str(words[i]);
        size_t d = edit_distance(name, word);
        bool is_likelier = best && d == best_distance && word.len == name.len && strlen(best) != name.len;

        if (d < best_distance || is_likelier) { /* a wrong letter is likelier than one too many */
            best = words[i];
            best_distance = d;
        }
    }
    return best;
}

/* dashes: what stands before a name here, "--" on the command line. */
static enum err unknown(const struct option_table *t, struct span name, const char *where, const char *dashes,
                        struct err_note *note)
{
    const char **words = mem_array(t->n_specs, sizeof *words);
    const char *nearest;

    for (size_t i = 0; i < t->n_specs; i++)
        words[i] = t->specs[i].name;
    nearest = options_nearest(name, words, t->n_specs);
    mem_free(words);
    if (nearest)
        return err_set(note, ERR_USAGE, "%s: there is no option '%s%s'; did you mean '%s%s'?", where, dashes,
                       show(name).text, dashes, nearest);
    return err_set(note, ERR_USAGE, "%s: there is no option '%s%s'; %s lists them", where, dashes, show(name).text,
                   *dashes ? "--help" : "'crawl --help'");
}

enum err options_unknown(const struct option_table *t, struct span name, const char *where,
                         struct err_note *note)
{
    return unknown(t, name, where, "", note);
}

/* --- command line ------------------------------------------------------------------ */

struct args {
    const struct option_table *t;
    void *target;
    char **argv;
    int argc, at;
    struct err_note *note;
};

/* The option's value: behind '=', or the next argument. */
static enum err take_value(struct args *a, const struct option_spec *spec, const char *where,
                           const char *inline_value)
{
    const char *value = inline_value;

    if (!value && spec->type == OPTION_FLAG)
        value = "yes";
    if (!value) {
        if (a->at >= a->argc)
            return err_set(a->note, ERR_USAGE, "%s needs a value: %s", where, spec->value);
        value = a->argv[a->at++];
    }
    return options_set(a->t, a->target, spec, span_str(value), where, a->note);
}

static enum err parse_long(struct args *a, const char *arg)
{
    struct span body = span_str(arg + 2);
    size_t eq = span_find(body, '=');
    struct span name = span_slice(body, 0, eq);
    const struct option_spec *spec = options_find(a->t, name);
    char where[64];

    if (!spec)
        return unknown(a->t, name, "command line", "--", a->note);
    snprintf(where, sizeof where, "--%s", spec->name);
    return take_value(a, spec, where, eq < body.len ? arg + 2 + eq + 1 : NULL);
}

static const struct option_spec *find_letter(const struct option_table *t, char letter)
{
    for (size_t i = 0; i < t->n_specs; i++)
        if (t->specs[i].letter && t->specs[i].letter == letter)
            return &t->specs[i];
    return NULL;
}

static enum err parse_short(struct args *a, const char *arg)
{
    for (const char *p = arg + 1; *p; p++) {
        const struct option_spec *spec = find_letter(a->t, *p);
        char where[3] = { '-', *p, '\0' };
        enum err e;

        if (!spec && options_find(a->t, span_str(arg + 1)))
            return err_set(a->note, ERR_USAGE, "command line: there is no option '%s'; did you mean '-%s'?", arg, arg);
        if (!spec)
            return err_set(a->note, ERR_USAGE, "command line: there is no option '-%s'; --help lists them",
                           show(span_str(p)).text);
        if (spec->type != OPTION_FLAG)
            return take_value(a, spec, where, p[1] ? p + 1 : NULL);
        e = take_value(a, spec, where, NULL);
        if (e)
            return e;
    }
    return OK;
}

/* No option's name begins with a blank; a query may begin with a comment. */
static bool is_operand(const char *arg)
{
    return arg[0] != '-' || arg[1] == '\0' || (arg[1] == '-' && span_is_space(arg[2]));
}

enum err options_parse_args(const struct option_table *t, void *target, int argc, char **argv,
                            char ***operands, size_t *n_operands, struct err_note *note)
{
    struct args a = { t, target, argv, argc, 1, note };
    char **rest = mem_array((size_t)argc + 1, sizeof *rest);
    size_t n = 0;
    bool has_ended = false;
    enum err e = OK;

    while (!e && a.at < argc) {
        char *arg = argv[a.at++];

        if (has_ended || is_operand(arg))
            rest[n++] = arg;
        else if (strcmp(arg, "--") == 0)
            has_ended = true;
        else if (arg[1] == '-')
            e = parse_long(&a, arg);
        else
            e = parse_short(&a, arg);
    }
    if (e) {
        mem_free(rest);
        return e;
    }
    *operands = rest;
    *n_operands = n;
    return OK;
}

/* --- help ----------------------------------------------------------------------------- */

#define HELP_INDENT   35
#define LEAST_BESIDE  35 /* columns for what stands beside a name; in less it stands below */
#define NARROW_INDENT 8

static enum err help_row(const struct option_spec *spec, size_t columns, struct buf *out)
{
    struct buf text;
    char left[64];
    char letter[8] = "    ";
    bool has_default = spec->initial && spec->initial[0] && spec->type != OPTION_FLAG;
    bool is_narrow = columns < HELP_INDENT + LEAST_BESIDE;
    size_t indent = is_narrow ? NARROW_INDENT : HELP_INDENT;
    enum err e;

    if (spec->letter)
        snprintf(letter, sizeof letter, "-%c, ", spec->letter);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, spec->name, spec->value ? " " : "",
             spec->value ? spec->value : "");
    buf_init(&text, (size_t)64 * KIB);
    e = buf_append(&text, span_str(spec->help));
    if (!e && has_default)
        e = buf_printf(&text, " [%s]", spec->initial);
    if (!e)
        e = is_narrow ? buf_printf(out, "  %s\n%*s", left, NARROW_INDENT, "") : buf_printf(out, "  %-32s ", left);
    if (!e)
        e = fill_words(out, buf_span(&text), indent, indent, columns);
    buf_clear(&text);
    return e;
}

enum err options_help(const struct option_table *t, size_t columns, struct buf *out)
{
    for (size_t i = 0; i < t->n_specs; i++) {
        const struct option_spec *spec = &t->specs[i];
        enum err e = OK;

        if (spec->group)
            e = buf_printf(out, "\n%s\n", spec->group);
        if (!e)
            e = help_row(spec, columns, out);
        if (e)
            return e;
    }
    return OK;
}
