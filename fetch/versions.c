/* SPDX-License-Identifier: MIT */
#include "fetch/versions.h"

#include <ares.h>
#include <openssl/crypto.h>

#include <curl/curl.h>

char *versions_network(char *out, size_t size)
{
    snprintf(out, size, "libcurl %s when built, c-ares %s, OpenSSL %s", LIBCURL_VERSION,
             ares_version(NULL), OpenSSL_version(OPENSSL_VERSION_STRING));
    return out;
}

char *versions_curl(char *out, size_t size)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    bool has_h2 = (info->features & CURL_VERSION_HTTP2) && info->nghttp2_version;

    snprintf(out, size, "libcurl %s (%s%s%s)", info->version,
             info->ssl_version ? info->ssl_version : "no TLS",
             has_h2 ? ", nghttp2/" : "", has_h2 ? info->nghttp2_version : "");
    return out;
}

unsigned versions_curl_number(void)
{
    return curl_version_info(CURLVERSION_NOW)->version_num;
}
