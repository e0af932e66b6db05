/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "parse/codec.h"
#include "parse/detect.h"
#include "parse/utf8.h"

/* A page's worth of text, and the encodings in which it must be recognised. */
struct row {
    const char *label, *text;
    const char *names[6];
};

static struct row rows[] = {
    { "Russian",
      "Привет, мир! Это главная страница нашего сайта.",
      { "windows-1251", "koi8-r", "iso-8859-5", "ibm866", "x-mac-cyrillic" } },
    { "Russian headings",
      "НОВОСТИ И ОБЪЯВЛЕНИЯ НАШЕГО ГОРОДА",
      { "windows-1251", "koi8-r", "iso-8859-5", "ibm866" } },
    { "two Russian words",
      "Новости дня",
      { "windows-1251", "koi8-r", "iso-8859-5", "ibm866" } },
    { "Ukrainian",
      "Ласкаво просимо до нашого сайту, тут є новини їжі",
      { "windows-1251", "koi8-u" } },
    { "Bulgarian", "Добре дошли на нашата страница", { "windows-1251" } },
    { "Greek",
      "Καλώς ήρθατε στην ιστοσελίδα μας. Άρθρα και νέα",
      { "windows-1253", "iso-8859-7" } },
    { "Hebrew", "ברוכים הבאים לאתר שלנו", { "windows-1255" } },
    { "Arabic", "مرحبا بكم في موقعنا على الإنترنت", { "windows-1256", "iso-8859-6" } },
    { "Thai", "ยินดีต้อนรับสู่เว็บไซต์ของเรา", { "windows-874" } },
    { "Turkish",
      "İşte Türkçe bir sayfa: öğrenci, çalışma, güneş, ışık",
      { "windows-1254" } },
    { "Czech",
      "Příliš žluťoučký kůň úpěl ďábelské ódy",
      { "windows-1250", "iso-8859-2" } },
    { "Polish",
      "Zażółć gęślą jaźń, witamy na stronie",
      { "windows-1250", "iso-8859-2" } },
    { "Hungarian",
      "Üdvözöljük honlapunkon, kérjük, nézze meg a híreket és a jövő heti műsort",
      { "windows-1250", "iso-8859-2" } },
    { "Romanian",
      "Bine aţi venit pe pagina noastră, ştiri şi informaţii",
      { "windows-1250", "iso-8859-2" } },
    { "Croatian",
      "Dobrodošli na našu stranicu, možete čitati članke",
      { "windows-1250", "iso-8859-2" } },
    { "Lithuanian", "Ąžuolas, šilta žiema, ėjo, įdomu, ųjų", { "windows-1257" } },
    { "Latvian",
      "Laipni lūdzam mūsu mājas lapā, šodien ir skaista diena",
      { "windows-1257" } },
    { "French", "Café déjà vu, à bientôt, où êtes-vous ?", { "windows-1252" } },
    { "German", "Größe, Straße, Übung, schön", { "windows-1252" } },
    { "Spanish", "El niño comió piña en España mañana", { "windows-1252" } },
    { "Portuguese", "Não há informações, coração, ações", { "windows-1252" } },
    { "Swedish", "Så är det också på svenska, räksmörgås", { "windows-1252" } },
    { "Danish", "Blåbærgrød og rødgrød med fløde", { "windows-1252" } },
    { "English quotes",
      "“Smart quotes” and it’s fine – really… © 2020",
      { "windows-1252" } },
    { "one pound sign", "Price: £25", { "windows-1252" } },
    { "one copyright sign", "© 2019 Company", { "windows-1252" } },
    { "one accent", "café", { "windows-1252" } },
    { "simplified Chinese", "你好，世界。欢迎来到我们的网站", { "gbk" } },
    { "Chinese menu", "首页 新闻 关于我们", { "gbk" } },
    { "traditional Chinese", "你好，世界。歡迎來到我們的網站", { "big5" } },
    { "traditional menu", "首頁 最新消息 關於我們", { "big5" } },
    { "Japanese",
      "こんにちは世界。私たちのサイトへようこそ",
      { "shift_jis", "euc-jp", "iso-2022-jp" } },
    { "Japanese in katakana",
      "ホームページ",
      { "shift_jis", "euc-jp", "iso-2022-jp" } },
    { "Korean", "안녕하세요. 우리 홈페이지에 오신 것을 환영합니다", { "euc-kr" } },
    { "one Korean word", "공지사항", { "euc-kr" } },
    { "Vietnamese", "Chào mừng bạn đến với trang web", { "utf-8" } },
};

static void make_page(const char *name, const char *text, struct buf *out)
{
    struct codec codec;

    assert_true(codec_find(name, &codec));
    buf_reset(out);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(buf_append(out, SPAN("<p class=\"x\">")), OK);
        assert_int_equal(codec_encode(&codec, span_str(text), out), OK);
        assert_int_equal(buf_append(out, SPAN("</p>\n")), OK);
    }
    assert_int_equal(span_find_span(buf_span(out), SPAN("%26")), out->len);
}

/* The right text is what counts: close relatives may read the same bytes alike. */
static void is_recognised(void **state)
{
    const struct row *r = *state;
    struct buf page, text;

    buf_init(&page, 10000);
    buf_init(&text, 10000);
    for (size_t i = 0; r->names[i]; i++) {
        struct codec codec;
        const char *got;

        make_page(r->names[i], r->text, &page);
        got = detect_charset(buf_span(&page));
        assert_non_null(got);
        assert_true(codec_find(got, &codec));
        buf_reset(&text);
        assert_int_equal(codec_decode(&codec, buf_span(&page), &text), OK);
        if (span_find_span(buf_span(&text), span_str(r->text)) == text.len)
            fail_msg("%s taken for %s", r->names[i], got);
    }
    buf_clear(&page);
    buf_clear(&text);
}

static void ascii_has_no_encoding(void **state)
{
    (void)state;
    assert_null(detect_charset(SPAN("<p>plain")));
    assert_null(detect_charset(SPAN_NONE));
    assert_null(detect_charset(SPAN("\x1B[31mred\x1B[0m")));
}

static void utf16_without_a_mark_shows_in_its_zeros(void **state)
{
    (void)state;
    assert_string_equal(detect_charset(SPAN("<\0h\0t\0m\0l\0>\0")), "utf-16le");
    assert_string_equal(detect_charset(SPAN("\0<\0h\0t\0m\0l\0>")), "utf-16be");
    assert_null(detect_charset(SPAN("\0\0\0\0\0\0\0\0\0\0")));
}

/* One bad byte in a long page of UTF-8, or its cut end, does not change what it is. */
static void slightly_broken_utf8_is_still_utf8(void **state)
{
    struct buf page;

    (void)state;
    buf_init(&page, 10000);
    make_page("utf-8", "Привет, мир! Это главная страница нашего сайта.", &page);
    page.ptr[page.len / 2] = '\xFF';
    assert_string_equal(detect_charset(buf_span(&page)), "utf-8");
    make_page("utf-8", "你好，世界。欢迎来到我们的网站", &page);
    assert_int_equal(buf_append(&page, SPAN("\xE4\xBD")), OK);
    assert_string_equal(detect_charset(buf_span(&page)), "utf-8");
    buf_clear(&page);
}

/* Two megabytes of anything take no longer than the sample does. */
static void only_a_sample_is_looked_at(void **state)
{
    size_t n = (size_t)2 << 20;
    char *body = malloc(n);

    (void)state;
    memset(body, 'a', n);
    for (size_t i = 0; i < n; i += 3)
        body[i] = (char)(0xC0 + i % 31);
    assert_non_null(detect_charset(span_make(body, n)));
    free(body);
}

int main(void)
{
    static const struct CMUnitTest single[] = {
        cmocka_unit_test(ascii_has_no_encoding),
        cmocka_unit_test(utf16_without_a_mark_shows_in_its_zeros),
        cmocka_unit_test(slightly_broken_utf8_is_still_utf8),
        cmocka_unit_test(only_a_sample_is_looked_at),
    };
    struct CMUnitTest tests[ARRAY_LEN(single) + ARRAY_LEN(rows)];

    memcpy(tests, single, sizeof(single));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[ARRAY_LEN(single) + i] = (struct CMUnitTest){ .name = rows[i].label,
                                                            .test_func = is_recognised,
                                                            .initial_state = &rows[i] };
    return cmocka_run_group_tests_name("parse/detect", tests, NULL, NULL);
}
