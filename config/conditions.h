/* SPDX-License-Identifier: MIT */
/*
 * What --fail-on lists: words for things that are counted, separated by commas, each
 * perhaps with a number that it may reach: "gone,changed>10". Pure.
 */
#pragma once

#include "config/options.h"

/*
 * Is every condition of the list one of these words ("a|b|c"), alone or with ">N"?
 * ERR_USAGE names the one that is not.
 */
enum err conditions_check(const struct text_list *list, const char *words,
                          struct err_note *note) MUST_USE;

/* Does the list name any of these words ("a|b|c")? */
bool conditions_name(const struct text_list *list, const char *words);

/* Does a condition with this word hold when count of them were counted? */
bool conditions_hold(const struct text_list *list, const char *word, int64_t count);
