/* SPDX-License-Identifier: MIT */
#include "config/conditions.h"

#define MAX_SHOWN ((size_t)40)

struct condition {
    struct span word;
    int64_t limit; /* holds above it */
};

/* False when what stands behind '>' is no number. */
static bool read_condition(struct span text, struct condition *out)
{
    size_t sign = span_find(text, '>');
    uint64_t limit = 0;

    out->word = span_trim(span_slice(text, 0, sign));
    if (sign < text.len &&
        (!span_parse_u64(span_trim(span_skip(text, sign + 1)), &limit) ||
         limit > INT64_MAX))
        return false;
    out->limit = (int64_t)limit;
    return true;
}

static bool is_one_of(struct span word, const char *words)
{
    struct span rest = span_str(words), known;

    while (span_split(&rest, '|', &known))
        if (span_eq(word, known))
            return true;
    return false;
}

/* "a|b|c" as "a, b, c" into out. */
static const char *list_words(const char *words, char *out, size_t size)
{
    struct span rest = span_str(words), word;
    size_t n = 0;

    out[0] = '\0';
    while (span_split(&rest, '|', &word) && n < size)
        n += (size_t)snprintf(out + n, size - n, "%s%.*s", n ? ", " : "",
                              SPAN_ARG(word));
    return out;
}

enum err conditions_check(const struct text_list *list, const char *words,
                          struct err_note *note)
{
    char known[200];

    for (size_t i = 0; i < list->len; i++) {
        struct span rest = span_str(list->items[i].text), text;

        while (span_split(&rest, ',', &text)) {
            struct condition c;

            text = span_trim(text);
            if (read_condition(text, &c) && is_one_of(c.word, words))
                continue;
            return err_set(note, ERR_USAGE,
                           "%s '%.*s': it must be one or more of %s, each perhaps with >N", list->items[i].where,
                           (int)MIN(text.len, MAX_SHOWN), text.ptr,
                           list_words(words, known, sizeof known));
        }
    }
    return OK;
}

bool conditions_name(const struct text_list *list, const char *words)
{
    for (size_t i = 0; i < list->len; i++) {
        struct span rest = span_str(list->items[i].text), text;
        struct condition c;

        while (span_split(&rest, ',', &text))
            if (read_condition(text, &c) && is_one_of(c.word, words))
                return true;
    }
    return false;
}

bool conditions_hold(const struct text_list *list, const char *word, int64_t count)
{
    for (size_t i = 0; i < list->len; i++) {
        struct span rest = span_str(list->items[i].text), text;
        struct condition c;

        while (span_split(&rest, ',', &text))
            if (read_condition(text, &c) && span_eq(c.word, span_str(word)) &&
                count > c.limit)
                return true;
    }
    return false;
}
