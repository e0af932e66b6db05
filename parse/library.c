/* SPDX-License-Identifier: MIT */
#include "parse/library.h"

#include <brotli/decode.h>
#include <libxml/parser.h>
#include <unicode/uversion.h>
#include <zlib.h>
#include <zstd.h>

char *library_versions(char *out, size_t size)
{
    uint32_t brotli = BrotliDecoderVersion();
    char icu[U_MAX_VERSION_STRING_LENGTH];
    UVersionInfo numbers;

    u_getVersion(numbers);
    u_versionToString(numbers, icu);
    snprintf(out, size, "libxml2 %s, ICU %s, zlib %s, zstd %s, brotli %u.%u.%u", xmlParserVersion, icu,
             zlibVersion(), ZSTD_versionString(), brotli >> 24, brotli >> 12 & 0xfff, brotli & 0xfff);
    return out;
}

unsigned library_libxml2(void)
{
    return (unsigned)strtoul(xmlParserVersion, NULL, 10);
}
