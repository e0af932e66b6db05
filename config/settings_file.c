/* SPDX-License-Identifier: MIT */
#include "config/settings_file.h"

#include "config/mem.h"
#include "config/settings_extract.h"

struct reader {
    struct settings *s;
    const char *path;
    int line;                   /* being handled */
    struct host_settings *host; /* of the present section, or NULL; moves when one is added */
    struct extract_section *extract; /* the same */
    struct err_note *note;
};

/* Same types as the options of these names. */
#define H(name) offsetof(struct host_settings, name)
static const struct option_spec host_specs[] = {
    { "delay", 0, OPTION_DURATION, H(delay_ms), 0, INT64_C(86400000), NULL, NULL, 0, "DUR", "", NULL },
    { "per-host", 0, OPTION_COUNT, H(per_host), 1, 10000, NULL, NULL, 0, "N", "", NULL },
    { "max-pages-per-host", 0, OPTION_COUNT, H(max_pages_per_host), -1, INT64_MAX, NULL, NULL, 0, "N",
      "", NULL },
    { "insecure", 0, OPTION_FLAG, H(is_insecure), 0, 0, NULL, NULL, 0, NULL, "", NULL },
    { "header", 0, OPTION_LIST, H(headers), 1, 0, NULL, NULL, 0, "'K: V'", "", NULL },
};
const struct option_table settings_host_table = { host_specs, ARRAY_LEN(host_specs) };

static struct host_settings *host_section(struct settings *s, struct span pattern)
{
    struct host_settings *grown;

    for (size_t i = 0; i < s->n_hosts; i++)
        if (span_eq(span_str(s->hosts[i].pattern), pattern))
            return &s->hosts[i];
    grown = mem_array(s->n_hosts + 1, sizeof *grown);
    for (size_t i = 0; i < s->n_hosts; i++)
        grown[i] = s->hosts[i];
    mem_free(s->hosts);
    s->hosts = grown;
    grown[s->n_hosts] = (struct host_settings){ .pattern = mem_str_copy(pattern),
                                                .delay_ms = -2,
                                                .per_host = -2,
                                                .max_pages_per_host = -2 };
    return &grown[s->n_hosts++];
}

/* [host "*.example.org"] with kind host -> *.example.org; false when it is no such section. */
static bool section_name(struct span line, struct span kind, struct span *out)
{
    struct span rest = span_trim(span_slice(line, 1, line.len - 1)), word;

    if (!span_token(&rest, &word) || !span_eq_nocase(word, kind))
        return false;
    rest = span_trim(rest);
    if (rest.len < 3 || rest.ptr[0] != '"' || rest.ptr[rest.len - 1] != '"')
        return false;
    *out = span_slice(rest, 1, rest.len - 1);
    return span_find(*out, '"') == out->len;
}

static enum err read_section(struct reader *r, struct span line)
{
    bool has_end = line.ptr[line.len - 1] == ']';
    struct span name;
    char where[400];

    r->host = NULL;
    r->extract = NULL;
    snprintf(where, sizeof where, "%s:%d", r->path, r->line);
    if (has_end && section_name(line, SPAN("host"), &name)) {
        r->host = host_section(r->s, name);
        return OK;
    }
    if (has_end && section_name(line, SPAN("extract"), &name))
        return settings_extract_begin(r->s, name, where, &r->extract, r->note);
    return err_set(r->note, ERR_USAGE,
                   "%s: there is no section %.*s; did you mean [host \"PATTERN\"] or [extract \"NAME\"]?",
                   where, (int)MIN(line.len, (size_t)60), line.ptr);
}

static enum err read_host_pair(struct reader *r, struct span key, struct span value, const char *where)
{
    const struct option_spec *spec = options_find(&settings_host_table, key);

    if (spec)
        return options_set(&settings_host_table, r->host, spec, value, where, r->note);
    if (options_find(&settings_table, key))
        return err_set(r->note, ERR_USAGE,
                       "%s: %.*s is the same for all hosts: it must stand above the first section",
                       where, SPAN_ARG(key));
    return options_unknown(&settings_host_table, key, where, r->note);
}

static enum err read_pair(struct reader *r, struct span line)
{
    size_t eq = span_find(line, '=');
    struct span key = span_trim(span_slice(line, 0, eq)), value = span_trim(span_skip(line, eq + 1));
    const struct option_spec *spec;
    char where[400];

    snprintf(where, sizeof where, "%s:%d", r->path, r->line);
    if (eq == line.len)
        return err_set(r->note, ERR_USAGE,
                       "%s: it must be 'key = value', [host \"PATTERN\"] or a comment behind #", where);
    if (r->host)
        return read_host_pair(r, key, value, where);
    if (r->extract)
        return settings_extract_pair(r->extract, key, value, where, r->note);
    spec = options_find(&settings_table, key);
    if (!spec)
        return options_unknown(&settings_table, key, where, r->note);
    if (settings_is_command(spec))
        return err_set(r->note, ERR_USAGE, "%s: %s works on the command line only", where, spec->name);
    return options_set(&settings_table, r->s, spec, value, where, r->note);
}

static enum err read_line(struct reader *r, struct span line)
{
    if (!line.len || line.ptr[0] == '#' || line.ptr[0] == ';')
        return OK;
    for (size_t i = 0; i < line.len; i++)
        if (((unsigned char)line.ptr[i] < 0x20 && line.ptr[i] != '\t') || line.ptr[i] == 0x7f)
            return err_set(r->note, ERR_USAGE, "%s:%d: byte 0x%02x; is this a text file?", r->path, r->line,
                           (unsigned char)line.ptr[i]);
    return line.ptr[0] == '[' ? read_section(r, line) : read_pair(r, line);
}

enum err settings_file_read(struct settings *s, const char *path, struct span text,
                            struct err_note *note)
{
    struct reader r = { .s = s, .path = path, .note = note };
    struct span line;
    enum err e = OK;

    if (span_starts(text, SPAN("\xef\xbb\xbf")))
        text = span_skip(text, 3);
    while (!e && span_split(&text, '\n', &line)) {
        r.line++;
        e = read_line(&r, span_trim(line));
    }
    return e;
}
