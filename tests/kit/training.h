/* SPDX-License-Identifier: MIT */
/* Bodies that have much in common, and a dictionary made of them. A kit for tests: what fails here aborts. */
#pragma once

#include "config/buf.h"
#include "config/span.h"

/* Page n of a site whose pages look alike; into out, which is emptied. */
struct span training_page(int n, struct buf *out);

/* A dictionary that bears this id, made of such pages; into out, which is emptied. */
struct span training_dictionary(uint32_t id, struct buf *out);
