/* SPDX-License-Identifier: MIT */
#include "config/settings_file.h"

#include <ini.h>

#include "config/mem.h"

struct reader {
    struct settings *s;
    const char *path;
    struct span rest; /* text not yet read */
    int line;         /* of the line being handled */
    struct err_note *note;
    enum err e;
};

/* What a [host] section may say; same types as the options of these names. */
#define H(name) offsetof(struct host_settings, name)
static const struct option_spec host_specs[] = {
    { "delay", 0, OPTION_DURATION, H(delay_ms), 0, INT64_C(86400000), NULL, NULL, 0, "DUR", "", NULL },
    { "per-host", 0, OPTION_COUNT, H(per_host), 1, 10000, NULL, NULL, 0, "N", "", NULL },
    { "max-pages-per-host", 0, OPTION_COUNT, H(max_pages_per_host), -1, INT64_MAX, NULL, NULL, 0, "N",
      "", NULL },
    { "insecure", 0, OPTION_FLAG, H(is_insecure), 0, 0, NULL, NULL, 0, NULL, "", NULL },
    { "header", 0, OPTION_LIST, H(headers), 0, 0, NULL, NULL, 0, "'K: V'", "", NULL },
};
static const struct option_table host_table = { host_specs, ARRAY_LEN(host_specs) };

/* libinih asks for lines as fgets would; this one counts them and refuses to cut one in two. */
static char *next_line(char *out, int size, void *arg)
{
    struct reader *r = arg;
    struct span line;

    if (r->e || !span_split(&r->rest, '\n', &line))
        return NULL;
    r->line++;
    if (line.len + 1 >= (size_t)size) {
        r->e = err_set(r->note, ERR_USAGE, "%s:%d: the line is longer than %d bytes", r->path, r->line,
                       size - 2);
        return NULL;
    }
    if (line.len)
        memcpy(out, line.ptr, line.len);
    out[line.len] = '\0';
    return out;
}

/* host "*.example.org" -> *.example.org; false when the section is another one. */
static bool host_pattern(struct span section, struct span *out)
{
    if (!span_starts(section, SPAN("host ")))
        return false;
    section = span_trim(span_skip(section, 5));
    if (section.len < 3 || section.ptr[0] != '"' || section.ptr[section.len - 1] != '"')
        return false;
    *out = span_slice(section, 1, section.len - 1);
    return true;
}

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

static int on_pair(void *arg, const char *section, const char *name, const char *value)
{
    struct reader *r = arg;
    const struct option_table *table = &settings_table;
    const struct option_spec *spec;
    struct span pattern;
    void *target = r->s;
    char where[300];

    snprintf(where, sizeof where, "%s:%d", r->path, r->line);
    if (r->e)
        return 0;
    if (host_pattern(span_str(section), &pattern)) {
        table = &host_table;
        target = host_section(r->s, pattern);
    } else if (section[0]) {
        r->e = err_set(r->note, ERR_USAGE,
                       "%s: there is no section [%s]; there is [host \"PATTERN\"]", where, section);
        return 0;
    }
    spec = options_find(table, span_str(name));
    r->e = spec ? options_set(table, target, spec, span_str(value), where, r->note)
                : options_unknown(table, span_str(name), where, r->note);
    return r->e == OK;
}

enum err settings_file_read(struct settings *s, const char *path, struct span text,
                            struct err_note *note)
{
    struct reader r = { .s = s, .path = path, .rest = text, .note = note };
    int line = ini_parse_stream(next_line, &r, on_pair, &r);

    if (r.e)
        return r.e;
    if (line > 0)
        return err_set(note, ERR_USAGE, "%s:%d: not 'key = value', [section] or a comment", path, line);
    return OK;
}
