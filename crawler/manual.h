/* SPDX-License-Identifier: MIT */
/*
 * The man page, made from the same tables as --help, so that the two cannot
 * disagree: `crawl --man > crawl.1`.
 */
#pragma once

#include "crawler/command.h"

/* Prints crawl(1) in man(7) form to standard output; returns the exit code. */
int manual_print(void);
