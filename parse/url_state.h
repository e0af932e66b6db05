/* SPDX-License-Identifier: MIT */
/*
 * The general URL parser: the state machine of the URL standard (section 4.4,
 * "basic URL parser"), written as one function for each state or group of
 * states, building the serialisation (4.5) as it reads. Internal to
 * parse/url*.c, which put a quick path for plain URLs before it; tests compare
 * the two.
 */
#pragma once

#include "parse/url_parser.h"

/*
 * As url_parse_encoded; query is what its encode and arg say. Takes every
 * input, the plain ones too.
 */
enum err url_state_parse(struct span input, const struct url *base,
                         const struct url_parser_query *query, struct arena *mem,
                         struct url *out) MUST_USE;

/* input without leading and trailing C0 controls and spaces. */
struct span url_state_trim(struct span input);

/* The scheme's default port, or -1. */
int32_t url_state_default_port(enum url_scheme scheme);
