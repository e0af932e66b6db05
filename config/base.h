/* SPDX-License-Identifier: MIT */
/*
 * The words that every file may use: attributes, array length, container-of,
 * and the deadline. Nothing here has state; this header includes only libc.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The caller must look at the returned error. */
#define MUST_USE                        __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first)         __attribute__((format(printf, fmt, first)))
#define NORETURN                        __attribute__((noreturn))
#define UNUSED                          __attribute__((unused))
/* A rare part of a busy function, which would have to save registers for it. */
#define NOINLINE                        __attribute__((noinline))
#define ARRAY_LEN(array)                (sizeof(array) / sizeof((array)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* Each argument is evaluated once: MAX(until - clock_now_ns(), 0) must not become negative. */
#define NAME_JOIN(a, b)    a##b
#define NAME_OF(a, number) NAME_JOIN(a, number)
#define PICK(a, op, b, x, y) \
    __extension__({          \
        __auto_type x = (a); \
        __auto_type y = (b); \
        x op y ? x : y;      \
    })
#define MIN(a, b) PICK(a, <, b, NAME_OF(a_, __COUNTER__), NAME_OF(b_, __COUNTER__))
#define MAX(a, b) PICK(a, >, b, NAME_OF(a_, __COUNTER__), NAME_OF(b_, __COUNTER__))

/*
 * An absolute moment on the monotonic clock, in nanoseconds (clock_now_ns). A
 * function that takes a deadline may suspend the calling coroutine; one that
 * takes none only where its header says so.
 */
typedef int64_t deadline;
#define DEADLINE_NEVER INT64_MAX

#define NS_PER_US      INT64_C(1000)
#define NS_PER_MS      INT64_C(1000000)
#define NS_PER_S       INT64_C(1000000000)

#define KIB            ((int64_t)1024)
#define MIB            (1024 * KIB)
#define GIB            (1024 * MIB)

/* A programming mistake: say where, and abort. Never reached by outside input. */
#define BUG_IF(cond)                             \
    do {                                         \
        if (__builtin_expect(!!(cond), 0))       \
            base_bug(#cond, __FILE__, __LINE__); \
    } while (0)

/* Prints the failed condition to standard error and aborts. */
NORETURN static inline void base_bug(const char *cond, const char *file, int line)
{
    fprintf(stderr, "crawl: bug: %s at %s:%d\n", cond, file, line);
    abort();
}
