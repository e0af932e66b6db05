/* SPDX-License-Identifier: MIT */
/*
 * A view for each extraction section of the settings, "extract_NAME": url,
 * fetched_at, and a column for each value, read out of pages.facts. Views of
 * sections that are no more stay: what they show is still there.
 *
 * The one place that puts SQL together from text that is no literal: names
 * cannot be bound. They are [a-z0-9_] for sections, and quoted all the same.
 */
#pragma once

#include "store/core.h"

/* Creates them, and replaces those whose columns changed. In the caller's transaction. */
enum err views_update(struct core *c, const struct store_view *views, size_t n);
