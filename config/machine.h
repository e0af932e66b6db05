/* SPDX-License-Identifier: MIT */
/*
 * What this process may use of the machine: less than what is built in when
 * ulimit -v or -d, a set of processors, or a control group (a container, a systemd
 * unit) says so. See cgroups(7), for version 1 and 2.
 */
#pragma once

#include "config/base.h"

/* Bytes of memory, at least 1. */
int64_t machine_memory(void);

/* Processors, at least 1; part of one counts as one. */
int64_t machine_processors(void);

/*
 * The same limits of control groups alone, INT64_MAX without one. mount is where
 * they are mounted, membership names /proc/self/cgroup or another file like it.
 */
int64_t machine_cgroup_memory(const char *mount, const char *membership);
int64_t machine_cgroup_processors(const char *mount, const char *membership);
