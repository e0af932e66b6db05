/* SPDX-License-Identifier: MIT */
/*
 * Sections [extract "NAME"] of the configuration file: which values to pick out
 * of which pages. A line "url = REGEX" says which pages, every other line is
 * "value = TYPE XPATH" or "value = XPATH". This file knows their shape and
 * their limits; whether an expression compiles is crawler/extract.h's matter.
 *
 * Names are what columns and members are called, so they are plain: sections
 * [a-z0-9_], values letters, digits, '_' and '-'.
 */
#pragma once

#include "config/settings.h"

#define SETTINGS_EXTRACT_MAX_SECTIONS 64
#define SETTINGS_EXTRACT_MAX_RULES    256 /* in all sections together */
#define SETTINGS_EXTRACT_MAX_BYTES \
    ((size_t)64 * 1024) /* of all names and expressions together */
#define SETTINGS_EXTRACT_MAX_NAME 64

/*
 * The section of that name, begun at where ("crawl.conf:7") if there is none
 * yet; the pointer holds until the next one is begun. ERR_USAGE.
 */
enum err settings_extract_begin(struct settings *s, struct span name, const char *where,
                                struct extract_section **out,
                                struct err_note *note) MUST_USE;

/* One line of a section. ERR_USAGE names where. */
enum err settings_extract_pair(struct extract_section *section, struct span key,
                               struct span value, const char *where,
                               struct err_note *note) MUST_USE;

/* The same for "value=TYPE XPATH" in one piece, as --rule has it; there is no url then. */
enum err settings_extract_rule(struct extract_section *section, struct span text,
                               const char *where, struct err_note *note) MUST_USE;

/* Every section has a url and a value, and all together keep the limits. ERR_USAGE. */
enum err settings_extract_check(const struct settings *s,
                                struct err_note *note) MUST_USE;

/* Frees what a section owns. */
void settings_extract_clear(struct extract_section *section);
