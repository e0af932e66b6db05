/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "fetch/curl_library.h"

static void loading_again_has_no_effect(void **state)
{
    (void)state;
    assert_int_equal(curl_library_load(NULL), OK);
    assert_non_null(curl_version_info(CURLVERSION_NOW));
}

/* What arrives as something else would be taken, or refused, the other way round. */
static void options_of_each_type_arrive(void **state)
{
    const curl_off_t five_gib = (curl_off_t)5 << 30;
    CURL *easy = curl_easy_init();
    CURLM *multi = curl_multi_init();
    char mark = 'x', *back = NULL;

    (void)state;
    assert_non_null(easy);
    assert_non_null(multi);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_PRIVATE, &mark), CURLE_OK);
    assert_int_equal(curl_easy_getinfo(easy, CURLINFO_PRIVATE, &back), CURLE_OK);
    assert_ptr_equal(back, &mark);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_PORT, 65535L), CURLE_OK);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_PORT, 65536L),
                     CURLE_BAD_FUNCTION_ARGUMENT);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, five_gib),
                     CURLE_OK);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, -five_gib),
                     CURLE_BAD_FUNCTION_ARGUMENT);
    assert_int_equal(curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 4L), CURLM_OK);
    assert_int_equal(curl_multi_setopt(multi, CURLMOPT_TIMERDATA, &mark), CURLM_OK);
    curl_easy_cleanup(easy);
    assert_int_equal(curl_multi_cleanup(multi), CURLM_OK);
}

static size_t keep_first(char *bytes, size_t size, size_t n, void *arg)
{
    *(char *)arg = n ? *bytes : '\0';
    return size * n;
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
    (void)multi;
    (void)ms;
    ++*(int *)arg;
    return 0;
}

/* Of a write function and a timer function, by a file that every Linux has. */
static void callbacks_arrive(void **state)
{
    CURL *easy = curl_easy_init();
    CURLM *multi = curl_multi_init();
    int n_timers = 0, n_running = 1, n_left;
    char first = '\0';
    CURLMsg *message;

    (void)state;
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_URL, "file:///proc/self/status"),
                     CURLE_OK);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_first),
                     CURLE_OK);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_WRITEDATA, &first), CURLE_OK);
    assert_int_equal(curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer),
                     CURLM_OK);
    assert_int_equal(curl_multi_setopt(multi, CURLMOPT_TIMERDATA, &n_timers), CURLM_OK);
    assert_int_equal(curl_multi_add_handle(multi, easy), CURLM_OK);
    for (int i = 0; i < 100 && n_running; i++)
        assert_int_equal(
            curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &n_running),
            CURLM_OK);
    message = curl_multi_info_read(multi, &n_left);
    assert_non_null(message);
    assert_int_equal(message->data.result, CURLE_OK);
    assert_true(n_timers > 0);
    assert_int_equal(first, 'N'); /* "Name:" */
    assert_int_equal(curl_multi_remove_handle(multi, easy), CURLM_OK);
    curl_easy_cleanup(easy);
    assert_int_equal(curl_multi_cleanup(multi), CURLM_OK);
}

static int load(void **state)
{
    (void)state;
    return curl_library_load(NULL) || curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int unload(void **state)
{
    (void)state;
    curl_global_cleanup();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loading_again_has_no_effect),
        cmocka_unit_test(options_of_each_type_arrive),
        cmocka_unit_test(callbacks_arrive),
    };

    return cmocka_run_group_tests_name("fetch/curl_library", tests, load, unload);
}
