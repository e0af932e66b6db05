/* SPDX-License-Identifier: MIT */
#include "config/options.h"

#include "config/mem.h"

static void *field_of(void *target, const struct option_spec *spec)
{
    return (char *)target + spec->field;
}

/* --- values ----------------------------------------------------------------- */

/* number[unit]; multiplies with overflow check. Fractions ("1.5s") are taken to the unit's thousandth. */
static enum err parse_scaled(struct span number, int64_t unit, int64_t *out)
{
    size_t dot = span_find(number, '.');
    uint64_t whole = 0, fraction = 0;
    int64_t value, scale = 1;

    if (!span_parse_u64(span_slice(number, 0, dot), &whole) || whole > INT64_MAX)
        return ERR_INVALID;
    if (__builtin_mul_overflow((int64_t)whole, unit, &value))
        return ERR_INVALID;
    if (dot < number.len) {
        struct span digits = span_skip(number, dot + 1);

        if (digits.len > 3 || !span_parse_u64(digits, &fraction))
            return ERR_INVALID;
        for (size_t i = 0; i < digits.len; i++)
            scale *= 10;
        value += (int64_t)fraction * unit / scale;
    }
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
    static const char *const yes[] = { "yes", "true", "on", "1", "" };
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
    enum err e;

    if (spec->min < 0 && span_eq_nocase(s, SPAN("none"))) {
        *out = -1;
        return OK;
    }
    if (spec->type == OPTION_DURATION)
        e = options_parse_duration(s, out);
    else if (spec->type == OPTION_SIZE)
        e = options_parse_size(s, out);
    else
        e = span_parse_i64(s, out) ? OK : ERR_INVALID;
    if (!e && (*out < MAX(spec->min, 0) || *out > spec->max))
        e = ERR_INVALID;
    return e;
}

/* What the value may be, for the error. */
static void describe_range(const struct option_spec *spec, char *out, size_t size)
{
    const char *none = spec->min < 0 ? " or none" : "";
    long long min = (long long)MAX(spec->min, 0), max = (long long)spec->max;

    switch (spec->type) {
    case OPTION_FLAG:
        snprintf(out, size, "yes or no");
        break;
    case OPTION_COUNT:
        if (spec->max == INT64_MAX)
            snprintf(out, size, "a whole number from %lld%s", min, none);
        else
            snprintf(out, size, "a whole number from %lld to %lld%s", min, max, none);
        break;
    case OPTION_DURATION:
        snprintf(out, size, "a duration with its unit, such as 500ms, 2s, 5m or 1h%s%s", none,
                 min ? ", not 0" : ", or 0");
        break;
    case OPTION_SIZE:
        snprintf(out, size, "a size such as 65536, 64K, 10M or 1G%s", none);
        break;
    case OPTION_CHOICE:
        snprintf(out, size, "one of %s", spec->choices);
        break;
    case OPTION_TEXT:
    case OPTION_LIST:
        snprintf(out, size, "text");
        break;
    }
}

static void list_append(struct text_list *list, struct span value, int tag)
{
    struct text_item *grown = mem_array(list->len + 1, sizeof *grown);

    for (size_t i = 0; i < list->len; i++)
        grown[i] = list->items[i];
    grown[list->len] = (struct text_item){ mem_str_copy(value), tag };
    mem_free(list->items);
    list->items = grown;
    list->len++;
}

static enum err set_value(void *field, const struct option_spec *spec, struct span value)
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
        mem_free(*text);
        *text = mem_str_copy(value);
        return OK;
    case OPTION_LIST:
        list_append(field, value, spec->tag);
        return OK;
    }
    return ERR_INVALID;
}

enum err options_set(const struct option_table *t, void *target, const struct option_spec *spec,
                     struct span value, const char *where, struct err_note *note)
{
    char range[160];

    (void)t;
    if (set_value(field_of(target, spec), spec, value) == OK)
        return OK;
    describe_range(spec, range, sizeof range);
    return err_set(note, ERR_USAGE, "%s: '%.*s' is not possible for %s: it must be %s", where,
                   (int)MIN(value.len, (size_t)80), value.ptr ? value.ptr : "", spec->name, range);
}

/* --- the table ---------------------------------------------------------------- */

void options_set_defaults(const struct option_table *t, void *target)
{
    for (size_t i = 0; i < t->n_specs; i++) {
        const struct option_spec *spec = &t->specs[i];

        if (spec->initial)
            BUG_IF(set_value(field_of(target, spec), spec, span_str(spec->initial)));
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
            struct text_list *list = field_of(target, spec);

            for (size_t k = 0; k < list->len; k++)
                mem_free(list->items[k].text);
            mem_free(list->items);
            *list = (struct text_list){ 0 };
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

/* Optimal string alignment distance, cut off above 15 characters. */
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
        size_t d = edit_distance(name, span_str(words[i]));

        if (d < best_distance) {
            best = words[i];
            best_distance = d;
        }
    }
    return best;
}

enum err options_unknown(const struct option_table *t, struct span name, const char *where,
                         struct err_note *note)
{
    const char **words = mem_array(t->n_specs, sizeof *words);
    const char *nearest;

    for (size_t i = 0; i < t->n_specs; i++)
        words[i] = t->specs[i].name;
    nearest = options_nearest(name, words, t->n_specs);
    mem_free(words);
    name.len = MIN(name.len, (size_t)80);
    if (nearest)
        return err_set(note, ERR_USAGE, "%s: there is no option '%.*s'; did you mean '%s'?", where,
                       SPAN_ARG(name), nearest);
    return err_set(note, ERR_USAGE, "%s: there is no option '%.*s'; 'crawl --help' lists them", where,
                   SPAN_ARG(name));
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

    snprintf(where, sizeof where, "--%.*s", (int)MIN(name.len, (size_t)40), name.ptr);
    if (!spec)
        return options_unknown(a->t, name, where, a->note);
    return take_value(a, spec, where, eq < body.len ? arg + 2 + eq + 1 : NULL);
}

static const struct option_spec *find_letter(const struct option_table *t, char letter)
{
    for (size_t i = 0; i < t->n_specs; i++)
        if (t->specs[i].letter == letter)
            return &t->specs[i];
    return NULL;
}

static enum err parse_short(struct args *a, const char *arg)
{
    for (const char *p = arg + 1; *p; p++) {
        const struct option_spec *spec = find_letter(a->t, *p);
        char where[3] = { '-', *p, '\0' };
        enum err e;

        if (!spec)
            return options_unknown(a->t, span_make(p, 1), where, a->note);
        if (spec->type != OPTION_FLAG)
            return take_value(a, spec, where, p[1] ? p + 1 : NULL);
        e = take_value(a, spec, where, NULL);
        if (e)
            return e;
    }
    return OK;
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

        if (has_ended || arg[0] != '-' || arg[1] == '\0')
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

static enum err help_row(const struct option_spec *spec, struct buf *out)
{
    char left[64];
    char letter[8] = "    ";
    bool has_default = spec->initial && spec->initial[0] && spec->type != OPTION_FLAG;

    if (spec->letter)
        snprintf(letter, sizeof letter, "-%c, ", spec->letter);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, spec->name, spec->value ? " " : "",
             spec->value ? spec->value : "");
    if (has_default)
        return buf_printf(out, "  %-32s %s [%s]\n", left, spec->help, spec->initial);
    return buf_printf(out, "  %-32s %s\n", left, spec->help);
}

enum err options_help(const struct option_table *t, struct buf *out)
{
    for (size_t i = 0; i < t->n_specs; i++) {
        const struct option_spec *spec = &t->specs[i];
        enum err e = OK;

        if (spec->group)
            e = buf_printf(out, "\n%s\n", spec->group);
        if (!e)
            e = help_row(spec, out);
        if (e)
            return e;
    }
    return OK;
}
