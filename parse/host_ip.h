/* SPDX-License-Identifier: MIT */
/*
 * IP addresses in hosts: the IPv4 and IPv6 parsers and serialisers of the URL
 * standard (sections 3.5 and 3.6). Internal to parse/host.c; pure.
 */
#pragma once

#include "config/span.h"

/* Room for the longest text of either kind, in brackets. */
#define HOST_IP_TEXT 48

/* "Ends in a number checker": must this ASCII domain be read as an IPv4 address? */
bool host_ip_is_number(struct span domain);

/*
 * "IPv4 parser": one to four parts, decimal, octal (0…) or hexadecimal (0x…),
 * the last one filling what is left, one trailing dot. False where the standard
 * returns failure. *out is in host order.
 */
bool host_ip_parse4(struct span text, uint32_t *out);

/* "IPv6 parser", without brackets and without a zone. False where it returns failure. */
bool host_ip_parse6(struct span text, uint16_t out[8]);

/* "1.2.3.4"; a view of room. */
struct span host_ip_format4(uint32_t address, char room[HOST_IP_TEXT]);

/* "[2001:db8::1]", RFC 5952; a view of room. */
struct span host_ip_format6(const uint16_t pieces[8], char room[HOST_IP_TEXT]);
