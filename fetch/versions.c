/* SPDX-License-Identifier: MIT */
#include "fetch/versions.h"

#include <ares.h>

#include <curl/curl.h>

char *versions_network(char *out, size_t size)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    bool has_h2 = (info->features & CURL_VERSION_HTTP2) && info->nghttp2_version;

    snprintf(out, size, "libcurl %s (%s%s%s), c-ares %s", info->version,
             info->ssl_version ? info->ssl_version : "no TLS",
             has_h2 ? ", nghttp2/" : "", has_h2 ? info->nghttp2_version : "",
             ares_version(NULL));
    return out;
}

unsigned versions_libcurl(void)
{
    return curl_version_info(CURLVERSION_NOW)->version_num;
}
