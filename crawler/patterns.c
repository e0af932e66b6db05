/* SPDX-License-Identifier: MIT */
#include "crawler/patterns.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "config/mem.h"

/* Steps one match may take. */
#define MATCH_LIMIT 100000
#define DEPTH_LIMIT 10000
/* Compiled patterns would else take 32 KiB of the caller's stack, half of a coroutine's. */
#define JIT_STACK_MIN ((size_t)32 * 1024)
#define JIT_STACK_MAX ((size_t)512 * 1024)

struct patterns {
    pcre2_code **codes;
    size_t len, cap;
    pcre2_match_data *match;
    pcre2_match_context *context;
    pcre2_jit_stack *jit_stack;
};

enum err patterns_open(struct patterns **out, struct err_note *note)
{
    struct patterns *p = mem_alloc(sizeof *p);

    p->match = pcre2_match_data_create(1, NULL);
    p->context = pcre2_match_context_create(NULL);
    p->jit_stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
    if (!p->match || !p->context || !p->jit_stack) {
        patterns_close(p);
        return err_set(note, ERR_NO_MEMORY, "%s", err_text(ERR_NO_MEMORY));
    }
    pcre2_jit_stack_assign(p->context, NULL, p->jit_stack);
    pcre2_set_match_limit(p->context, MATCH_LIMIT);
    pcre2_set_depth_limit(p->context, DEPTH_LIMIT);
    *out = p;
    return OK;
}

void patterns_close(struct patterns *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->len; i++)
        pcre2_code_free(p->codes[i]);
    mem_free(p->codes);
    pcre2_match_data_free(p->match);
    pcre2_match_context_free(p->context);
    pcre2_jit_stack_free(p->jit_stack);
    mem_free(p);
}

static void make_room(struct patterns *p)
{
    size_t cap = p->cap ? p->cap * 2 : 8;
    pcre2_code **grown;

    if (p->len < p->cap)
        return;
    grown = mem_array(cap, sizeof(pcre2_code *));
    for (size_t i = 0; i < p->len; i++)
        grown[i] = p->codes[i];
    mem_free(p->codes);
    p->codes = grown;
    p->cap = cap;
}

enum err patterns_add(struct patterns *p, const char *text, const char *where,
                      struct err_note *note)
{
    PCRE2_UCHAR why[128];
    pcre2_code *code;
    PCRE2_SIZE at;
    int problem;

    code =
        pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, 0, &problem, &at, NULL);
    if (!code) {
        pcre2_get_error_message(problem, why, sizeof why);
        return err_set(note, ERR_USAGE, "%s '%s': %s at character %zu", where, text,
                       (const char *)why, at + 1);
    }
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* without a JIT it is only slower */
    make_room(p);
    p->codes[p->len++] = code;
    return OK;
}

bool patterns_match(const struct patterns *p, size_t i, struct span text, bool if_wild)
{
    int n = pcre2_match(p->codes[i], (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, 0, 0,
                        p->match, p->context);

    return n >= 0 || (n != PCRE2_ERROR_NOMATCH && if_wild);
}
