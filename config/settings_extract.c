/* SPDX-License-Identifier: MIT */
#include "config/settings_extract.h"

#include "config/mem.h"

/* In the order of enum extract_type. */
static const char *const type_words[] = { "string", "list", "number", "date", "html" };

static bool is_name(struct span name, const char *others)
{
    if (!name.len || name.len > SETTINGS_EXTRACT_MAX_NAME)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
            (!c || !strchr(others, c)))
            return false;
    }
    return true;
}

enum err settings_extract_begin(struct settings *s, struct span name, const char *where,
                                struct extract_section **out, struct err_note *note)
{
    struct extract_section *grown;

    if (!is_name(name, "_"))
        return err_set(
            note, ERR_USAGE,
            "%s: [extract \"%.*s\"]: a name is made of a-z, 0-9 and _, at most %d of them",
            where, (int)MIN(name.len, (size_t)80), name.ptr, SETTINGS_EXTRACT_MAX_NAME);
    for (size_t i = 0; i < s->n_extracts; i++)
        if (span_eq(span_str(s->extracts[i].name), name)) {
            *out = &s->extracts[i];
            return OK;
        }
    if (s->n_extracts == SETTINGS_EXTRACT_MAX_SECTIONS)
        return err_set(note, ERR_USAGE, "%s: more than %d [extract] sections", where,
                       SETTINGS_EXTRACT_MAX_SECTIONS);
    grown = mem_array(s->n_extracts + 1, sizeof *grown);
    for (size_t i = 0; i < s->n_extracts; i++)
        grown[i] = s->extracts[i];
    mem_free(s->extracts);
    s->extracts = grown;
    grown[s->n_extracts] =
        (struct extract_section){ .name = mem_str_copy(name),
                                  .where = mem_str_copy(span_str(where)) };
    *out = &grown[s->n_extracts++];
    return OK;
}

/* --- values -------------------------------------------------------------------------- */

static bool find_type(struct span word, int *out)
{
    for (size_t i = 0; i < ARRAY_LEN(type_words); i++)
        if (span_eq(word, span_str(type_words[i]))) {
            *out = (int)i;
            return true;
        }
    return false;
}

static bool is_word(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (span_ascii_lower(s.ptr[i]) < 'a' || span_ascii_lower(s.ptr[i]) > 'z')
            return false;
    return s.len > 0;
}

/*
 * "TYPE XPATH" or "XPATH". XPath allows "list //li" for "list//li", but nobody
 * writes that, and a misspelt type would give nothing for ever without a word.
 */
static enum err split_type(struct span value, const char *where, int *out_type,
                           struct span *out_xpath, struct err_note *note)
{
    struct span rest = value, word;
    const char *near;

    *out_type = EXTRACT_STRING;
    *out_xpath = value;
    if (!span_token(&rest, &word) || !is_word(word))
        return OK;
    rest = span_trim(rest);
    if (!rest.len)
        return OK;
    if (find_type(word, out_type)) {
        *out_xpath = rest;
        return OK;
    }
    if (!strchr("/(.@", rest.ptr[0]))
        return OK;
    near = options_nearest(word, type_words, ARRAY_LEN(type_words));
    return err_set(
        note, ERR_USAGE,
        "%s: '%.*s' is no type: it must be string, list, number, date or html%s%s%s",
        where, (int)MIN(word.len, (size_t)40), word.ptr, near ? "; did you mean " : "",
        near ? near : "", near ? "?" : "");
}

/* The names that the views have anyway, and those that differ only in the case of letters. */
static const char *name_problem(const struct extract_section *section, struct span name)
{
    if (!is_name(name, "_-ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        return "a name is made of letters, digits, _ and -, at most 64 of them";
    if (span_eq_nocase(name, SPAN("url")) || span_eq_nocase(name, SPAN("fetched_at")))
        return "every view has a column of this name already";
    for (size_t i = 0; i < section->n_rules; i++)
        if (span_eq_nocase(span_str(section->rules[i].name), name))
            return "this name stands in the section already";
    return NULL;
}

static enum err add_rule(struct extract_section *section, struct span name,
                         struct span value, const char *where, struct err_note *note)
{
    const char *problem = name_problem(section, name);
    struct extract_rule *grown;
    struct span xpath;
    int type;
    enum err e;

    if (problem)
        return err_set(note, ERR_USAGE, "%s: '%.*s': %s", where,
                       (int)MIN(name.len, (size_t)80), name.ptr, problem);
    if (!value.len)
        return err_set(note, ERR_USAGE, "%s: %.*s: an XPath expression must follow",
                       where, SPAN_ARG(name));
    e = split_type(value, where, &type, &xpath, note);
    if (e)
        return e;
    grown = mem_array(section->n_rules + 1, sizeof *grown);
    for (size_t i = 0; i < section->n_rules; i++)
        grown[i] = section->rules[i];
    mem_free(section->rules);
    section->rules = grown;
    grown[section->n_rules++] =
        (struct extract_rule){ .name = mem_str_copy(name),
                               .xpath = mem_str_copy(xpath),
                               .where = mem_str_copy(span_str(where)),
                               .type = type };
    return OK;
}

enum err settings_extract_pair(struct extract_section *section, struct span key,
                               struct span value, const char *where,
                               struct err_note *note)
{
    if (!span_eq(key, SPAN("url")))
        return add_rule(section, key, value, where, note);
    if (section->url)
        return err_set(note, ERR_USAGE,
                       "%s: [extract \"%s\"] has a url already; a|b matches both",
                       where, section->name);
    if (!value.len)
        return err_set(note, ERR_USAGE, "%s: url: a regular expression must follow",
                       where);
    section->url = mem_str_copy(value);
    mem_free(section->where);
    section->where = mem_str_copy(span_str(where));
    return OK;
}

enum err settings_extract_rule(struct extract_section *section, struct span text,
                               const char *where, struct err_note *note)
{
    size_t eq = span_find(text, '=');

    if (eq == text.len)
        return err_set(note, ERR_USAGE,
                       "%s '%.*s': it must be 'name=TYPE XPATH' or 'name=XPATH'", where,
                       (int)MIN(text.len, (size_t)80), text.ptr);
    return add_rule(section, span_trim(span_slice(text, 0, eq)),
                    span_trim(span_skip(text, eq + 1)), where, note);
}

/* --- the whole ------------------------------------------------------------------------ */

enum err settings_extract_check(const struct settings *s, struct err_note *note)
{
    size_t n_rules = 0, n_bytes = 0;

    for (size_t i = 0; i < s->n_extracts; i++) {
        const struct extract_section *section = &s->extracts[i];

        if (!section->url)
            return err_set(note, ERR_USAGE,
                           "%s: [extract \"%s\"] needs a line url = REGEX",
                           section->where, section->name);
        if (!section->n_rules)
            return err_set(note, ERR_USAGE,
                           "%s: [extract \"%s\"] needs a line name = XPATH",
                           section->where, section->name);
        n_rules += section->n_rules;
        for (size_t k = 0; k < section->n_rules; k++)
            n_bytes += strlen(section->rules[k].name) + strlen(section->rules[k].xpath);
    }
    if (n_rules > SETTINGS_EXTRACT_MAX_RULES)
        return err_set(note, ERR_USAGE,
                       "the [extract] sections have %zu values; %d are allowed",
                       n_rules, SETTINGS_EXTRACT_MAX_RULES);
    if (n_bytes > SETTINGS_EXTRACT_MAX_BYTES)
        return err_set(
            note, ERR_USAGE,
            "the [extract] sections have %zu bytes of expressions; %zu are allowed",
            n_bytes, SETTINGS_EXTRACT_MAX_BYTES);
    return OK;
}

void settings_extract_clear(struct extract_section *section)
{
    for (size_t i = 0; i < section->n_rules; i++) {
        mem_free(section->rules[i].name);
        mem_free(section->rules[i].xpath);
        mem_free(section->rules[i].where);
    }
    mem_free(section->rules);
    mem_free(section->name);
    mem_free(section->url);
    mem_free(section->where);
    *section = (struct extract_section){ 0 };
}
