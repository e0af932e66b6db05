/* SPDX-License-Identifier: MIT */
/* Pieces of queries that several files have: headers of a fetch as they stood on the wire, which pages are sound. */
#pragma once

/* SQL: a JSON list of [name, value] as raw lines "Name: value\r\n"; anything else as none. */
#define READER_RAW_LINES(column)                                                      \
    "(SELECT group_concat(replace(json_extract(value, '$[0]') || ': ' ||"             \
    " json_extract(value, '$[1]'), char(10), ' '), char(13, 10)) || char(13, 10)"     \
    " FROM json_each(CASE WHEN json_valid(" column ") THEN " column " ELSE '[]' END)" \
    " WHERE type = 'array')"

/*
 * SQL, of page p, its url u and fetch f: a page that answered with content of its own, which could be read, and that
 * is what its URL leads to still. What titles, descriptions and the like are asked of.
 */
#define READER_IS_SOUND "u.state IN (1, 2) AND f.outcome = 'ok' AND p.parse_outcome IN ('ok', 'recovered') "
#define READER_SOUND_PAGES \
    " FROM page p JOIN url u ON u.id = p.url_id JOIN fetch f ON f.id = p.fetch_id WHERE " READER_IS_SOUND
