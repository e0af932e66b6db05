/* SPDX-License-Identifier: MIT */
#include "crawler/extract.h"

#include "config/mem.h"
#include "config/settings_extract.h"
#include "crawler/patterns.h"
#include "parse/rules.h"

/* Three lengths and a type beside each value's texts. */
#define MAX_CODED (SETTINGS_EXTRACT_MAX_BYTES + (size_t)16 * 1024)

struct section {
    const char *name; /* the settings' */
    bool was_undecided, is_told;
    bool has_pattern;
    size_t pattern; /* in patterns */
    struct buf rules;
};

struct extract {
    struct section *sections;
    size_t len;
    struct patterns *patterns;
    size_t n_patterns;
    size_t n_untold; /* sections that were undecided and are not told */
};

_Static_assert((int)EXTRACT_STRING == (int)TREE_STRING &&
                   (int)EXTRACT_LIST == (int)TREE_LIST &&
                   (int)EXTRACT_NUMBER == (int)TREE_NUMBER &&
                   (int)EXTRACT_DATE == (int)TREE_DATE &&
                   (int)EXTRACT_HTML == (int)TREE_HTML &&
                   (int)EXTRACT_HTML + 1 == (int)N_TREE_TYPES,
               "the types of settings and of trees are the same");
_Static_assert(SETTINGS_EXTRACT_MAX_SECTIONS <= RULES_MAX_SECTIONS &&
                   SETTINGS_EXTRACT_MAX_RULES <= RULES_MAX_VALUES &&
                   SETTINGS_EXTRACT_MAX_NAME <= RULES_MAX_NAME_BYTES,
               "what settings allow can be sent");

static enum err check_rule(const struct extract_rule *rule, struct err_note *note)
{
    enum err e = tree_check(span_str(rule->xpath));

    if (e != ERR_INVALID)
        return e ? err_set(note, e, "%s: %s", rule->where, err_text(e)) : OK;
    if (strlen(rule->xpath) > RULES_MAX_XPATH_BYTES)
        return err_set(note, ERR_USAGE, "%s: %s: longer than %zu bytes", rule->where,
                       rule->name, RULES_MAX_XPATH_BYTES);
    return err_set(note, ERR_USAGE, "%s: %s: '%.200s' is no XPath 1.0 expression",
                   rule->where, rule->name, rule->xpath);
}

static enum err write_rules(const struct extract_section *from, struct buf *out,
                            struct err_note *note)
{
    struct tree_rule *rules = mem_array(from->n_rules + 1, sizeof *rules);
    struct tree_section section = { span_str(from->name), rules, from->n_rules };
    enum err e = OK;

    for (size_t i = 0; !e && i < from->n_rules; i++) {
        rules[i] = (struct tree_rule){ span_str(from->rules[i].name),
                                       span_str(from->rules[i].xpath),
                                       (enum tree_type)from->rules[i].type };
        e = check_rule(&from->rules[i], note);
    }
    if (!e && rules_write(&section, out))
        e = err_set(note, ERR_USAGE, "[extract \"%s\"]: too many or too long rules",
                    from->name);
    mem_free(rules);
    return e;
}

static enum err prepare(struct extract *x, const struct extract_section *from,
                        struct err_note *note)
{
    struct section *section = &x->sections[x->len];
    char where[400];

    buf_init(&section->rules, MAX_CODED);
    x->len++;
    section->name = from->name;
    section->has_pattern = from->url != NULL;
    if (from->url) {
        enum err e;

        section->pattern = x->n_patterns++;
        snprintf(where, sizeof where, "%s: url", from->where);
        e = patterns_add(x->patterns, from->url, where, note);
        if (e)
            return e;
    }
    return write_rules(from, &section->rules, note);
}

enum err extract_open(const struct settings *s, struct extract **out,
                      struct err_note *note)
{
    struct extract *x = mem_alloc(sizeof *x);
    enum err e = patterns_open(&x->patterns, note);

    x->sections = mem_array(s->n_extracts + 1, sizeof *x->sections);
    for (size_t i = 0; !e && i < s->n_extracts; i++)
        e = prepare(x, &s->extracts[i], note);
    if (e) {
        extract_close(x);
        return e;
    }
    *out = x;
    return OK;
}

void extract_close(struct extract *x)
{
    if (!x)
        return;
    for (size_t i = 0; i < x->len; i++)
        buf_clear(&x->sections[i].rules);
    mem_free(x->sections);
    patterns_close(x->patterns);
    mem_free(x);
}

static bool is_for(struct extract *x, struct section *section, struct span url)
{
    enum patterns_answer answer;

    if (!section->has_pattern)
        return true;
    answer = patterns_match(x->patterns, section->pattern, url);
    if (answer == PATTERNS_UNDECIDED && !section->was_undecided) {
        section->was_undecided = true;
        x->n_untold++;
    }
    return answer == PATTERNS_YES;
}

const char *extract_tells_undecided(struct extract *x)
{
    for (size_t i = 0; x && x->n_untold && i < x->len; i++) {
        struct section *section = &x->sections[i];

        if (section->was_undecided && !section->is_told) {
            section->is_told = true;
            x->n_untold--;
            return section->name;
        }
    }
    return NULL;
}

struct span extract_rules_for(struct extract *x, struct span url, struct arena *mem)
{
    struct span joined = SPAN_NONE;

    for (size_t i = 0; x && i < x->len; i++) {
        struct section *section = &x->sections[i];
        struct span rules = buf_span(&section->rules);
        char *both;

        if (!is_for(x, section, url))
            continue;
        both = arena_try_alloc(mem, joined.len + rules.len);
        if (!both)
            return joined;
        if (joined.len)
            memcpy(both, joined.ptr, joined.len);
        memcpy(both + joined.len, rules.ptr, rules.len);
        joined = span_make(both, joined.len + rules.len);
    }
    return joined;
}
