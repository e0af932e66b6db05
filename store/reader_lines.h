/* SPDX-License-Identifier: MIT */
/* Headers of a fetch as they stood on the wire, for queries. */
#pragma once

/* SQL: a JSON list of [name, value] as raw lines "Name: value\r\n"; anything else as none. */
#define READER_RAW_LINES(column)                                                      \
    "(SELECT group_concat(replace(json_extract(value, '$[0]') || ': ' ||"             \
    " json_extract(value, '$[1]'), char(10), ' '), char(13, 10)) || char(13, 10)"     \
    " FROM json_each(CASE WHEN json_valid(" column ") THEN " column " ELSE '[]' END)" \
    " WHERE type = 'array')"
