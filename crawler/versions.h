/* SPDX-License-Identifier: MIT */
/* The versions of what runs: for --version and the run's record (promise P55). */
#pragma once

/* Prints the program's and the libraries' run-time versions to standard output; returns 0. */
int versions_print(void);
