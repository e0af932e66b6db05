/* SPDX-License-Identifier: MIT */
/* Run-time versions of the network libraries, for --version and the run's record. */
#pragma once

#include "config/base.h"

/* One line, such as "libcurl 7.88.1 (OpenSSL/3.0.17, nghttp2/1.52.0), c-ares 1.18.1"; returns out. */
char *versions_network(char *out, size_t size);

/* libcurl's, as it counts: 0x075801 is 7.88.1. */
unsigned versions_libcurl(void);
