/* SPDX-License-Identifier: MIT */
/*
 * What the tests of URLs ask in common.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "parse/url.h"

/* Fails with both texts. */
static inline void assert_span(struct span got, const char *want)
{
    if (!span_eq(got, span_str(want)))
        fail_msg("got \"%.*s\", want \"%s\"", SPAN_ARG(got), want);
}

/* The offsets of a URL never run backwards and stay within it. */
static inline void assert_url_sane(const struct url *u)
{
    assert_true(u->scheme_end < u->userinfo_start);
    assert_true(u->userinfo_start <= u->username_end);
    assert_true(u->username_end <= u->host_start);
    assert_true(u->host_start <= u->host_end);
    assert_true(u->host_end <= u->path_start);
    assert_true(u->path_start <= u->search_start);
    assert_true(u->search_start <= u->hash_start);
    assert_true(u->hash_start <= u->href.len);
    assert_int_equal(u->href.ptr[u->scheme_end], ':');
}

/* Equal in text and in every part. */
static inline void assert_same_url(const struct url *a, const struct url *b)
{
    assert_true(span_eq(a->href, b->href));
    assert_int_equal(a->scheme, b->scheme);
    assert_int_equal(a->scheme_end, b->scheme_end);
    assert_int_equal(a->userinfo_start, b->userinfo_start);
    assert_int_equal(a->username_end, b->username_end);
    assert_int_equal(a->host_start, b->host_start);
    assert_int_equal(a->host_end, b->host_end);
    assert_int_equal(a->path_start, b->path_start);
    assert_int_equal(a->search_start, b->search_start);
    assert_int_equal(a->hash_start, b->hash_start);
    assert_int_equal(a->port, b->port);
    assert_int_equal(a->has_host, b->has_host);
    assert_int_equal(a->has_opaque_path, b->has_opaque_path);
}
