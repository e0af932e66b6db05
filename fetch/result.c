/* SPDX-License-Identifier: MIT */
#include "fetch/result.h"

static const char *const OUTCOME_NAMES[] = {
#define X(name, text) [name] = text,
    FETCH_OUTCOME_TABLE(X)
#undef X
};

const char *result_outcome_name(enum fetch_outcome outcome)
{
    BUG_IF((size_t)outcome >= N_FETCH_OUTCOMES);
    return OUTCOME_NAMES[outcome];
}

bool result_outcome_parse(struct span text, enum fetch_outcome *out)
{
    for (size_t i = 0; i < N_FETCH_OUTCOMES; i++)
        if (span_eq(text, span_str(OUTCOME_NAMES[i]))) {
            *out = (enum fetch_outcome)i;
            return true;
        }
    return false;
}
