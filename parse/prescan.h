/* SPDX-License-Identifier: MIT */
/*
 * What a document says about its own encoding: "prescan a byte stream to
 * determine its encoding" and the algorithms it uses (HTML standard, section
 * 13.2.3.2 and "extracting a character encoding from a meta element"), and the
 * late meta element that makes a parser "change the encoding". Works on bytes,
 * before anything is decoded. Part of parse/charset.h, which knows the order of
 * precedence; results are names of the Encoding standard, static, or NULL.
 */
#pragma once

#include "config/span.h"

/* How much of a document the standard lets the first look see. */
#define PRESCAN_BYTES 1024

/*
 * The encoding that a meta element within head names. head is the first
 * PRESCAN_BYTES of a document; a tag that head cuts ends the search.
 */
const char *prescan_meta(struct span head);

/*
 * As prescan_meta over a whole document, but the way a parser would see it:
 * what stands in script, style, title and their like is text. Linear.
 */
const char *prescan_late_meta(struct span body);

/* The encoding of an XML declaration, also of one in UTF-16 without a byte order mark. */
const char *prescan_xml(struct span head);

/* The encoding that text such as "text/html; charset=x" names, found the lenient way. */
const char *prescan_content(struct span content);
