/* SPDX-License-Identifier: MIT */
/* A scripted origin and a fetcher to ask it with, for the tests of fetch/. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/mem.h"
#include "tests/kit/fetchrig.h"
#include "tests/kit/origin.h"

#define STEP(kind, text, n)                 \
    {                                       \
        kind, { text, sizeof(text) - 1 }, n \
    }
#define STEPS(name, ...) static const struct origin_step name[] = { __VA_ARGS__ }
#define SCRIPT(name)     .script = (name), .n_steps = ARRAY_LEN(name)

struct world {
    struct origin *origin;
    struct fetchrig rig;
};

/* The origin serves; the rig has its options, and the caller opens it. */
static inline struct world *start_world(const struct origin_options *options)
{
    struct world *w = mem_alloc(sizeof(*w));

    w->origin = origin_start(options);
    fetchrig_init(&w->rig);
    return w;
}

/* cmocka: the end of the world in *state; not 0 when a body is left. */
static inline int close_world(void **state)
{
    struct world *w = *state;
    size_t n_left = fetchrig_close(&w->rig);

    origin_stop(w->origin);
    mem_free(w);
    return n_left ? -1 : 0;
}

static inline struct fetchrig_get get_of(struct world *w, const char *path)
{
    return (struct fetchrig_get){ .request =
                                      fetchrig_request(origin_url(w->origin, path)) };
}

static inline void assert_outcome(const struct fetchrig_get *g, enum fetch_outcome want)
{
    assert_int_equal(g->err, OK);
    assert_string_equal(result_outcome_name(g->result.outcome),
                        result_outcome_name(want));
}
