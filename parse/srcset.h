/* SPDX-License-Identifier: MIT */
/*
 * The candidates of a srcset or imagesrcset attribute (HTML standard §4.8.4.3.10,
 * "parsing a srcset attribute"). Candidates whose descriptors are in error are
 * left out, as the standard does. Pure; resolves nothing.
 */
#pragma once

#include "config/span.h"

/*
 * Takes the next valid candidate's URL off *rest, which starts as the whole
 * decoded attribute. False at the end. Linear over all calls.
 */
bool srcset_next(struct span *rest, struct span *out_url);
