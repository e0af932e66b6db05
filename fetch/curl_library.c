/* SPDX-License-Identifier: MIT */
#include "fetch/curl_library.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <string.h>

#include <curl/curl.h>

/* The ABI of <curl/curl.h> since 2006, with OpenSSL where a distribution has several. */
#define CURL_FILE "libcurl.so.4"

/* Macros of the header that check the types of an option's value at the call. */
#undef curl_easy_getinfo
#undef curl_easy_setopt
#undef curl_multi_setopt

#define CURL_FUNCTIONS(X)       \
    X(curl_easy_cleanup)        \
    X(curl_easy_getinfo)        \
    X(curl_easy_init)           \
    X(curl_easy_setopt)         \
    X(curl_easy_strerror)       \
    X(curl_global_cleanup)      \
    X(curl_global_init_mem)     \
    X(curl_multi_add_handle)    \
    X(curl_multi_cleanup)       \
    X(curl_multi_info_read)     \
    X(curl_multi_init)          \
    X(curl_multi_remove_handle) \
    X(curl_multi_setopt)        \
    X(curl_multi_socket_action) \
    X(curl_slist_append)        \
    X(curl_slist_free_all)      \
    X(curl_version_info)

/* Callbacks are passed on as this; each call converts back. */
typedef void any_function(void);

/* The library's own functions; the last one is NULL until all are there. */
static struct {
#define X(name) __typeof__(name) *name;
    CURL_FUNCTIONS(X)
#undef X
} theirs;

/* ISO C casts no address of an object to one of a function; where there is dlsym, they are of one form. */
static bool find(void *library, const char *name, void *function)
{
    void *address = dlsym(library, name);

    memcpy(function, &address, sizeof address);
    return address;
}

enum err curl_library_load(struct err_note *note)
{
    void *library;

    if (theirs.curl_version_info)
        return OK;
    /* Bound as it was at the program's start: each of these libraries says for itself whether at once. */
    library = dlopen(CURL_FILE, RTLD_LAZY);
    if (!library)
        return err_set(note, ERR_UNSUPPORTED, "cannot load libcurl: %s", dlerror());
#define X(name)                              \
    if (!find(library, #name, &theirs.name)) \
        return err_set(note, ERR_UNSUPPORTED, CURL_FILE " has no " #name);
    CURL_FUNCTIONS(X)
#undef X
    return OK;
}

/* An option's number says of which type its value is; a blob is passed by its address. */
#define SET_OPTION(set, handle, option, args)                                      \
    ((option) < CURLOPTTYPE_OBJECTPOINT ? set(handle, option, va_arg(args, long))  \
     : (option) < CURLOPTTYPE_FUNCTIONPOINT                                        \
         ? set(handle, option, va_arg(args, void *))                               \
     : (option) < CURLOPTTYPE_OFF_T                                                \
         ? set(handle, option, va_arg(args, any_function *))                       \
     : (option) < CURLOPTTYPE_BLOB ? set(handle, option, va_arg(args, curl_off_t)) \
                                   : set(handle, option, va_arg(args, void *)))

/* --- the whole library ------------------------------------------------------------------------ */

CURLcode curl_global_init_mem(long flags, curl_malloc_callback m, curl_free_callback f,
                              curl_realloc_callback r, curl_strdup_callback s,
                              curl_calloc_callback c)
{
    return theirs.curl_global_init_mem(flags, m, f, r, s, c);
}

void curl_global_cleanup(void)
{
    theirs.curl_global_cleanup();
}

curl_version_info_data *curl_version_info(CURLversion age)
{
    return theirs.curl_version_info(age);
}

/* --- lists ------------------------------------------------------------------------------------ */

struct curl_slist *curl_slist_append(struct curl_slist *list, const char *text)
{
    return theirs.curl_slist_append(list, text);
}

void curl_slist_free_all(struct curl_slist *list)
{
    theirs.curl_slist_free_all(list);
}

/* --- one request ------------------------------------------------------------------------------ */

CURL *curl_easy_init(void)
{
    return theirs.curl_easy_init();
}

void curl_easy_cleanup(CURL *easy)
{
    theirs.curl_easy_cleanup(easy);
}

CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
    CURLcode rc;
    va_list args;

    va_start(args, option);
    rc = SET_OPTION(theirs.curl_easy_setopt, easy, option, args);
    va_end(args);
    return rc;
}

/* What is asked for goes to an address, whatever its type. */
CURLcode curl_easy_getinfo(CURL *easy, CURLINFO info, ...)
{
    CURLcode rc;
    va_list args;

    va_start(args, info);
    rc = theirs.curl_easy_getinfo(easy, info, va_arg(args, void *));
    va_end(args);
    return rc;
}

const char *curl_easy_strerror(CURLcode code)
{
    return theirs.curl_easy_strerror(code);
}

/* --- many requests ---------------------------------------------------------------------------- */

CURLM *curl_multi_init(void)
{
    return theirs.curl_multi_init();
}

CURLMcode curl_multi_cleanup(CURLM *multi)
{
    return theirs.curl_multi_cleanup(multi);
}

CURLMcode curl_multi_setopt(CURLM *multi, CURLMoption option, ...)
{
    CURLMcode rc;
    va_list args;

    va_start(args, option);
    rc = SET_OPTION(theirs.curl_multi_setopt, multi, option, args);
    va_end(args);
    return rc;
}

CURLMcode curl_multi_add_handle(CURLM *multi, CURL *easy)
{
    return theirs.curl_multi_add_handle(multi, easy);
}

CURLMcode curl_multi_remove_handle(CURLM *multi, CURL *easy)
{
    return theirs.curl_multi_remove_handle(multi, easy);
}

CURLMsg *curl_multi_info_read(CURLM *multi, int *n_left)
{
    return theirs.curl_multi_info_read(multi, n_left);
}

CURLMcode curl_multi_socket_action(CURLM *multi, curl_socket_t fd, int bits,
                                   int *n_running)
{
    return theirs.curl_multi_socket_action(multi, fd, bits, n_running);
}
