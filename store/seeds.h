/* SPDX-License-Identifier: MIT */
/*
 * The seeds of a file, and where they lead: what the scope of a later start is made of.
 */
#pragma once

#include "store/core.h"

/* Every seed, and every URL that redirects lead to from one. */
enum err seeds_each(struct core *c, void (*fn)(void *arg, struct span url), void *arg);
