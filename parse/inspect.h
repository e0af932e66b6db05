/* SPDX-License-Identifier: MIT */
/*
 * `crawl inspect`, worker half: one JSON request in, one JSON answer out, over
 * the same parsers that a crawl uses. Input that cannot be processed gets
 * {"id":..,"error":"why"}. docs/internals/inspect.md lists commands and fields.
 *
 * Pure; everything lies in the toolbox until its next reset. Does not suspend.
 */
#pragma once

#include "parse/toolbox.h"

/*
 * Answers one request of a command ("url", "links" ...). *out is one line of
 * JSON without its newline. ERR_INVALID for an unknown command, ERR_NO_MEMORY,
 * ERR_TOO_LARGE.
 */
enum err inspect_run(struct toolbox *t, struct span command, struct span request,
                     struct span *out) MUST_USE;

/* Is there such a command? Callable anywhere. */
bool inspect_knows(struct span command);
