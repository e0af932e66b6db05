/* SPDX-License-Identifier: MIT */
/* The versions of what runs: for --version, and a word about those that are too old (promise P55). */
#pragma once

#include "config/base.h"

/* Each as its library counts. */
struct versions_in_use {
    unsigned libcurl, libxml2, sqlite;
};

/* Prints the program's and the libraries' run-time versions to standard output; returns 0. */
int versions_print(void);

/* Those that the program runs with now, which need not be those that it was built with. */
void versions_read(struct versions_in_use *out);

/*
 * Is one of them older than what this program is tested with? Then out says which:
 * "libxml2 20910 is older than 20914, the oldest that is tested".
 */
bool versions_are_old(const struct versions_in_use *v, char *out, size_t size);
