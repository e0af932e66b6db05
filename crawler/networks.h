/* SPDX-License-Identifier: MIT */
/*
 * The settings that say whom a crawl may reach and trusts, worked out before anything
 * else: allowed networks, name servers, certificates.
 */
#pragma once

#include "config/arena.h"
#include "config/settings.h"
#include "fetch/address.h"

/* out points into mem. ERR_USAGE names the option. */
enum err networks_read(const struct settings *s, struct arena *mem, struct address_policy *out,
                       struct err_note *note) MUST_USE;
