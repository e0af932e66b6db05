/* SPDX-License-Identifier: MIT */
/* The versions of the network libraries, for --version and a run's record. */
#pragma once

#include "config/base.h"

/*
 * One line, such as "libcurl 7.88.1 when built, c-ares 1.18.1, OpenSSL 3.0.19"; returns out. The others' are those
 * that run; libcurl's is that of its header, for it need not be loaded.
 */
char *versions_network(char *out, size_t size);

/* Of libcurl as it runs, such as "libcurl 7.88.1 (OpenSSL/3.0.19, nghttp2/1.52.0)"; returns out. It must be loaded. */
char *versions_curl(char *out, size_t size);

/* The same as it counts: 0x075801 is 7.88.1. */
unsigned versions_curl_number(void);
