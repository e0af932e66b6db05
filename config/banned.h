/* SPDX-License-Identifier: MIT */
/*
 * Calls that turn into compile errors, force-included into every file. The
 * name of the undeclared function in the error says what to use instead.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BANNED(func, instead) sorry_##func##_is_banned_use_##instead

#undef strcpy
#define strcpy(a, b) BANNED(strcpy, buf_or_span)
#undef strcat
#define strcat(a, b) BANNED(strcat, buf_append)
#undef strncpy
#define strncpy(a, b, n) BANNED(strncpy, span)
#undef strncat
#define strncat(a, b, n) BANNED(strncat, buf_append)
#undef sprintf
#define sprintf(...) BANNED(sprintf, snprintf)
#undef vsprintf
#define vsprintf(...) BANNED(vsprintf, vsnprintf)
#undef strtok
#define strtok(a, b) BANNED(strtok, span_split)
#undef atoi
#define atoi(a) BANNED(atoi, span_parse_int)
#undef atol
#define atol(a) BANNED(atol, span_parse_int)
#undef atof
#define atof(a) BANNED(atof, strtod_checked)
#undef gmtime
#define gmtime(a) BANNED(gmtime, gmtime_r)
#undef localtime
#define localtime(a) BANNED(localtime, localtime_r)
#undef ctime
#define ctime(a) BANNED(ctime, clock_format_iso)
