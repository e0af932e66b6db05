/* SPDX-License-Identifier: MIT */
/*
 * libcurl, loaded by who makes requests and by nobody else. It brings 21 libraries (Kerberos, LDAP, GnuTLS and what
 * they need), which took half of the time in which any command starts, and lay in every parser process, too. So the
 * program is not linked with it: curl_library.c defines the functions of <curl/curl.h> that we call, and each goes on
 * to the library's own. Callers include <curl/curl.h> and see no difference.
 */
#pragma once

#include "config/err.h"

/*
 * To be called before any other function of libcurl, on the thread that will use it; what is loaded stays. When it is
 * missing, or lacks a function: ERR_UNSUPPORTED, and the note has its name and the loader's reason. Again: no effect.
 */
enum err curl_library_load(struct err_note *note) MUST_USE;
