/* SPDX-License-Identifier: MIT */
/* What a page's Content-Security-Policy says of a style sheet. Nothing here suspends. */
#pragma once

#include "config/err.h"
#include "config/span.h"

/* "sha256-", 44 characters, NUL. */
#define REPORT_POLICY_HASH_SIZE (7 + 44 + 1)

/* The hash-source of an inline style (CSP Level 3 §2.3.1). ERR_UNSUPPORTED without SHA-256. */
enum err report_policy_hash(struct span style,
                            char out[REPORT_POLICY_HASH_SIZE]) MUST_USE;
