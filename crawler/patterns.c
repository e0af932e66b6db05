/* SPDX-License-Identifier: MIT */
#include "crawler/patterns.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "config/mem.h"

/*
 * What one match may cost: items of the pattern tried, plus bytes walked over. A million take
 * some 5 ms, without a JIT 10. PCRE2's own limit alone will not do: it begins anew at each byte of
 * the text, counts a walk over all of it as one step, and a JIT counts groups only.
 */
#define MAX_COST    1000000
#define MATCH_LIMIT 100000
#define DEPTH_LIMIT 10000
#define HEAP_LIMIT  (8 * (uint32_t)KIB) /* KiB; only without a JIT, which has its stack */
/* Bytes that go by in the time of one item. */
#define WALKED_A_STEP   4
#define COMPARED_A_STEP 8
/* Compiled patterns would else take 32 KiB of the caller's stack, half of a coroutine's. */
#define JIT_STACK_MIN ((size_t)32 * 1024)
#define JIT_STACK_MAX ((size_t)512 * 1024)

struct patterns {
    pcre2_code **codes;
    size_t len, cap;
    pcre2_match_data *match;
    pcre2_match_context *context;
    pcre2_jit_stack *jit_stack;
    /* of the match under way */
    size_t cost;
    size_t at; /* where in the text the item before stood */
};

static size_t distance(size_t a, size_t b)
{
    return a > b ? a - b : b - a;
}

/* So much a back reference may compare here, and then fail without a trace. */
static size_t longest_compare(const pcre2_callout_block *b)
{
    size_t longest = 0;

    for (size_t i = 1; i < b->capture_top; i++)
        longest = MAX(longest, distance(b->offset_vector[2 * i], b->offset_vector[2 * i + 1]));
    return MIN(longest, b->subject_length - b->current_position);
}

/* PCRE2 asks before each item of a pattern, however the match is carried out. */
static int on_item(pcre2_callout_block *b, void *arg)
{
    struct patterns *p = arg;

    p->cost += 1 + distance(b->current_position, p->at) / WALKED_A_STEP + longest_compare(b) / COMPARED_A_STEP;
    p->at = b->current_position;
    return p->cost > MAX_COST ? PCRE2_ERROR_CALLOUT : 0;
}

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
    pcre2_set_callout(p->context, on_item, p);
    pcre2_set_match_limit(p->context, MATCH_LIMIT);
    pcre2_set_depth_limit(p->context, DEPTH_LIMIT);
    pcre2_set_heap_limit(p->context, HEAP_LIMIT);
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

/* A pattern of more than 8 KB may have no room for being asked at each item; such a list of words has PCRE2's limit. */
static pcre2_code *compile(const char *text, int *out_problem, PCRE2_SIZE *out_at)
{
    PCRE2_SPTR pattern = (PCRE2_SPTR)text;
    pcre2_code *code =
        pcre2_compile(pattern, PCRE2_ZERO_TERMINATED, PCRE2_AUTO_CALLOUT, out_problem, out_at, NULL);

    if (code || *out_problem != PCRE2_ERROR_PATTERN_TOO_LARGE)
        return code;
    return pcre2_compile(pattern, PCRE2_ZERO_TERMINATED, 0, out_problem, out_at, NULL);
}

enum err patterns_add(struct patterns *p, const char *text, const char *where,
                      struct err_note *note)
{
    PCRE2_UCHAR why[128];
    pcre2_code *code;
    PCRE2_SIZE at;
    int problem;

    code = compile(text, &problem, &at);
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

enum patterns_answer patterns_match(struct patterns *p, size_t i, struct span text)
{
    int n;

    p->cost = p->at = 0;
    n = pcre2_match(p->codes[i], (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, 0, 0, p->match, p->context);
    if (n == PCRE2_ERROR_NOMATCH)
        return PATTERNS_NO;
    return n >= 0 ? PATTERNS_YES : PATTERNS_UNDECIDED;
}
