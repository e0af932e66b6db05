/* SPDX-License-Identifier: MIT */
/*
 * What crawl.conf(5) says: the file's form, every key that config/options.h's
 * tables know with what it may be, the [host] sections, and an example that
 * the program itself can read (tests/crawler/test_manual.c holds it to that).
 */
#pragma once

#include "config/buf.h"

/* Appends everything behind the page's NAME. Errors of buf_append. */
enum err manual_conf_body(struct buf *out) MUST_USE;
