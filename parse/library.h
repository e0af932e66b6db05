/* SPDX-License-Identifier: MIT */
/* Run-time versions of the parsing libraries, for --version and the run's record. */
#pragma once

#include "config/base.h"

/* One line, such as "libxml2 20914, ICU 72.1, zlib 1.2.13, zstd 1.5.4, brotli 1.0.9"; returns out. */
char *library_versions(char *out, size_t size);

/* libxml2's, as it counts: 20914 is 2.9.14. */
unsigned library_libxml2(void);
