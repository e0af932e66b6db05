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
