/* SPDX-License-Identifier: MIT */
#include "config/settings.h"

#include "config/conditions.h"
#include "config/io.h"
#include "config/machine.h"
#include "config/mem.h"
#include "config/settings_extract.h"
#include "config/settings_file.h"

#define F(name)    offsetof(struct settings, name)
#define MIN_MEMORY (64 * MIB)

bool settings_is_command(const struct option_spec *spec)
{
    return spec->field == F(config) || spec->field == F(set) || spec->field == F(wants_help) ||
           spec->field == F(wants_version);
}

/* One "key" = "value" from somewhere that is not a flag. */
static enum err set_by_name(struct settings *s, struct span name, struct span value, const char *where,
                            struct err_note *note)
{
    const struct option_spec *spec = options_find(&settings_table, name);

    if (!spec)
        return options_unknown(&settings_table, name, where, note);
    if (settings_is_command(spec))
        return err_set(note, ERR_USAGE, "%s: %s works on the command line only", where, spec->name);
    return options_set(&settings_table, s, spec, value, where, note);
}

/* The value of an environment variable, or NULL. */
static const char *find_variable(char **env, const char *name)
{
    size_t len = strlen(name);

    for (; env && *env; env++)
        if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
            return *env + len + 1;
    return NULL;
}

/* CRAWL_MAX_PAGES=5 sets max-pages. An unknown name is an error: a typo must not be silent. */
static enum err read_environment(struct settings *s, char **env, struct err_note *note)
{
    for (; env && *env; env++) {
        struct span entry = span_str(*env), name;
        char key[64], where[96];
        size_t eq = span_find(entry, '=');
        enum err e;

        if (!span_starts(entry, SPAN("CRAWL_")) || span_starts(entry, SPAN("CRAWL_CONFIG=")))
            continue;
        name = span_slice(entry, 6, eq);
        name.len = MIN(name.len, sizeof key); /* longer than any option: unknown either way */
        for (size_t i = 0; i < name.len; i++)
            key[i] = name.ptr[i] == '_' ? '-' : span_ascii_lower(name.ptr[i]);
        snprintf(where, sizeof where, "environment CRAWL_%.*s", SPAN_ARG(name));
        e = set_by_name(s, span_make(key, name.len), span_skip(entry, eq + 1), where, note);
        if (e)
            return e;
    }
    return OK;
}

/* Takes the KEY=VALUE pairs of --set apart; what is kept of them is their effect. */
static enum err apply_set(struct settings *s, struct err_note *note)
{
    enum err e = OK;

    for (size_t i = 0; !e && i < s->set.len; i++) {
        struct span pair = span_str(s->set.items[i].text);
        size_t eq = span_find(pair, '=');

        if (eq == pair.len)
            e = err_set(note, ERR_USAGE, "--set %s: it must be KEY=VALUE", s->set.items[i].text);
        else
            e = set_by_name(s, span_slice(pair, 0, eq), span_skip(pair, eq + 1), "--set", note);
    }
    options_clear_list(&s->set);
    return e;
}

/* The file that the command line or the environment names; else ./crawl.conf, which may be missing. */
static enum err read_config(struct settings *s, const char *named, char **env, struct err_note *note)
{
    const char *path = named ? named : find_variable(env, "CRAWL_CONFIG");
    struct buf text;
    enum err e;

    buf_init(&text, (size_t)MIB);
    e = io_read_file(path ? path : "crawl.conf", &text, note);
    if (e == ERR_NOT_FOUND && !path)
        e = OK;
    else if (e)
        e = ERR_USAGE;
    else
        e = settings_file_read(s, path ? path : "crawl.conf", buf_span(&text), note);
    buf_clear(&text);
    return e;
}

/* Two passes over argv: the first one finds --config and the mistakes, its values are thrown away. */
enum err settings_load(struct settings *s, int argc, char **argv, char **env, char ***operands,
                       size_t *n_operands, struct err_note *note)
{
    struct settings first = { 0 };
    char **rest = NULL;
    size_t n = 0;
    enum err e;

    *s = (struct settings){ 0 };
    options_set_defaults(&settings_table, s);
    options_set_defaults(&settings_table, &first);
    e = options_parse_args(&settings_table, &first, argc, argv, &rest, &n, note);
    mem_free(rest);
    rest = NULL;
    if (!e)
        e = read_config(s, first.config, env, note);
    settings_clear(&first);
    if (!e)
        e = read_environment(s, env, note);
    if (!e)
        e = options_parse_args(&settings_table, s, argc, argv, &rest, &n, note);
    if (!e)
        e = apply_set(s, note);
    if (!e)
        e = settings_check(s, note);
    if (e) {
        mem_free(rest);
        settings_clear(s);
        return e;
    }
    *operands = rest;
    *n_operands = n;
    return OK;
}

/* --- checks across fields ----------------------------------------------------------- */

/* RFC 9110 §5.1 and §5.5: a token, a colon, a value. */
static bool is_header(struct span line)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    size_t colon = span_find(line, ':');

    for (size_t i = 0; i < colon; i++) {
        char c = span_ascii_lower(line.ptr[i]);

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && (!c || !strchr(others, c)))
            return false;
    }
    return colon > 0 && colon < line.len;
}

/* The value is a secret: not repeated. */
static enum err check_headers(const struct text_list *headers, struct err_note *note)
{
    for (size_t i = 0; i < headers->len; i++) {
        struct span line = span_str(headers->items[i].text);

        if (!is_header(line))
            return err_set(note, ERR_USAGE, "%s '%.*s': it must be 'Name: value'", headers->items[i].where,
                           (int)MIN(span_find(line, ':'), (size_t)40), line.ptr);
    }
    return OK;
}

static enum err check_fail_on(const struct text_list *list, struct err_note *note)
{
    return conditions_check(
        list, options_find(&settings_table, SPAN("fail-on"))->choices, note);
}

/* For these "none" means that we choose; none at all would stop everything. */
static enum err check_zeros(const struct settings *s, struct err_note *note)
{
    const struct {
        const char *name;
        int64_t value;
    } counts[] = { { "rate", s->rate }, { "per-ip", s->per_ip }, { "workers", s->workers } };

    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        if (counts[i].value == 0)
            return err_set(note, ERR_USAGE, "--%s 0: it must be a whole number from 1, or none",
                           counts[i].name);
    return OK;
}

static void choose_for_machine(struct settings *s)
{
    if (s->per_ip < 0)
        s->per_ip = MAX(INT64_C(8), s->per_host);
    if (s->workers < 0)
        s->workers = MAX(INT64_C(2), machine_processors() - 1);
    if (s->max_memory < 0)
        s->max_memory = MAX(MIN_MEMORY, machine_memory() / 2);
}

enum err settings_check(struct settings *s, struct err_note *note)
{
    enum err e = OK;

    if (s->revisit_min_ms > s->revisit_max_ms)
        return err_set(note, ERR_USAGE, "--revisit-min must not be longer than --revisit-max");
    if (s->is_quiet && s->is_verbose)
        return err_set(note, ERR_USAGE, "--quiet and --verbose exclude each other");
    e = check_zeros(s, note);
    if (!e)
        e = check_fail_on(&s->fail_on, note);
    if (!e)
        e = check_headers(&s->headers, note);
    for (size_t i = 0; !e && i < s->n_hosts; i++)
        e = check_headers(&s->hosts[i].headers, note);
    if (!e)
        e = settings_extract_check(s, note);
    if (e)
        return e;
    choose_for_machine(s);
    if (s->max_memory < MIN_MEMORY)
        return err_set(note, ERR_USAGE, "--max-memory must be at least 64M");
    if ((uint64_t)s->max_memory > SIZE_MAX / 2)
        return err_set(note, ERR_USAGE, "--max-memory must be below 2G where addresses have 32 bits");
    return OK;
}

void settings_clear(struct settings *s)
{
    options_clear(&settings_table, s);
    for (size_t i = 0; i < s->n_hosts; i++) {
        struct host_settings *h = &s->hosts[i];

        mem_free(h->pattern);
        options_clear_list(&h->headers);
    }
    mem_free(s->hosts);
    for (size_t i = 0; i < s->n_extracts; i++)
        settings_extract_clear(&s->extracts[i]);
    mem_free(s->extracts);
    *s = (struct settings){ 0 };
}

/* '*' stands for any run of characters; everything else for itself, in any case of letters. */
static bool matches(struct span pattern, struct span text)
{
    size_t star = SIZE_MAX, resume = 0, p = 0, t = 0;

    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.len &&
                   span_ascii_lower(pattern.ptr[p]) == span_ascii_lower(text.ptr[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

const struct host_settings *settings_for_host(const struct settings *s, struct span host)
{
    const struct host_settings *found = NULL;

    if (host.len && host.ptr[host.len - 1] == '.')
        host.len--; /* the same host, named from the root */
    for (size_t i = 0; i < s->n_hosts; i++)
        if (matches(span_str(s->hosts[i].pattern), host))
            found = &s->hosts[i];
    return found;
}

/* --- JSON ------------------------------------------------------------------------------- */

/* A command line may hold any bytes; JSON is UTF-8, so others are read as Latin-1. */
static enum err json_text(struct buf *out, struct span s)
{
    bool is_utf8 = span_is_utf8(s);
    enum err e = buf_append_byte(out, '"');

    for (size_t i = 0; !e && i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c == '"' || c == '\\')
            e = buf_printf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !is_utf8))
            e = buf_printf(out, "\\u%04x", c);
        else
            e = buf_append_byte(out, (char)c);
    }
    return e ? e : buf_append_byte(out, '"');
}

/* Values of these never leave the process. */
static bool is_secret(const struct option_spec *spec)
{
    static const char *const secrets[] = { "header", "proxy", "auth-file", "load-cookies" };

    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        if (strcmp(spec->name, secrets[i]) == 0)
            return true;
    return false;
}

static enum err json_list(struct buf *out, const struct text_list *list, int tag)
{
    bool is_first = true;
    enum err e = buf_append_byte(out, '[');

    for (size_t i = 0; !e && i < list->len; i++) {
        if (list->items[i].tag != tag)
            continue;
        e = is_first ? OK : buf_append_byte(out, ',');
        is_first = false;
        if (!e)
            e = json_text(out, span_str(list->items[i].text));
    }
    return e ? e : buf_append_byte(out, ']');
}

static enum err json_value(struct buf *out, const struct settings *s, const struct option_spec *spec)
{
    const char *field = (const char *)s + spec->field;
    struct span words, word = SPAN_NONE;

    switch (spec->type) {
    case OPTION_FLAG:
        return buf_append(out, *(const bool *)(const void *)field ? SPAN("true") : SPAN("false"));
    case OPTION_COUNT:
    case OPTION_DURATION:
    case OPTION_SIZE:
        return buf_printf(out, "%lld", (long long)*(const int64_t *)(const void *)field);
    case OPTION_CHOICE:
        words = span_str(spec->choices);
        for (int i = 0; i <= *(const int *)(const void *)field; i++)
            if (!span_split(&words, '|', &word))
                break;
        return json_text(out, word);
    case OPTION_TEXT:
        if (!*(char *const *)(const void *)field)
            return buf_append(out, SPAN("null"));
        return json_text(out, span_str(*(char *const *)(const void *)field));
    case OPTION_LIST:
        return json_list(out, (const struct text_list *)(const void *)field, spec->tag);
    }
    return ERR_INVALID;
}

enum err settings_to_json(const struct settings *s, struct buf *out)
{
    enum err e = buf_append_byte(out, '{');

    for (size_t i = 0, n = 0; !e && i < settings_table.n_specs; i++) {
        const struct option_spec *spec = &settings_table.specs[i];

        if (is_secret(spec) || settings_is_command(spec))
            continue;
        e = buf_printf(out, "%s\"%s\":", n++ ? "," : "", spec->name);
        if (!e)
            e = json_value(out, s, spec);
    }
    return e ? e : buf_append_byte(out, '}');
}

static bool decides(const struct option_spec *spec)
{
    static const char *const deciding[] = { "depth",     "scope",       "embeds", "respect-rel-nofollow",
                                            "no-robots", "store-bodies" };

    for (size_t i = 0; i < ARRAY_LEN(deciding); i++)
        if (strcmp(spec->name, deciding[i]) == 0)
            return true;
    return false;
}

enum err settings_rules_to_json(const struct settings *s, struct buf *out)
{
    enum err e = buf_append(out, SPAN("{\"rules\":["));

    for (size_t i = 0; !e && i < s->rules.len; i++) {
        const struct text_item *item = &s->rules.items[i];

        e = buf_append(out, item->tag == RULE_INCLUDE ? SPAN("\"include\",") : SPAN("\"exclude\","));
        if (!e)
            e = json_text(out, span_str(item->text));
        if (!e && i + 1 < s->rules.len)
            e = buf_append_byte(out, ',');
    }
    if (!e)
        e = buf_append_byte(out, ']');
    for (size_t i = 0; !e && i < settings_table.n_specs; i++) {
        const struct option_spec *spec = &settings_table.specs[i];

        if (!decides(spec))
            continue;
        e = buf_printf(out, ",\"%s\":", spec->name);
        if (!e)
            e = json_value(out, s, spec);
    }
    return e ? e : buf_append_byte(out, '}');
}
