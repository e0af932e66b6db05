/* SPDX-License-Identifier: MIT */
/*
 * The URL parser's states. The sources in the rows are states and sections of
 * the WHATWG URL standard unless they name an RFC. Rows with a NULL result must
 * fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "parse/url_state.h"
#include "tests/parse/url_assert.h"

#define ROOM ((size_t)64 * 1024)

struct parse_row {
    const char *label, *base, *in, *want, *source;
};

static const struct parse_row parse_rows[] = {
    /* Quick path and its doubts. */
    { "a plain URL stays", NULL, "https://example.com/a/b?c=d#e",
      "https://example.com/a/b?c=d#e", "path state" },
    { "a port that is not the default stays", NULL, "http://example.com:8080/",
      "http://example.com:8080/", "port state" },
    { "no path becomes /", NULL, "http://example.com", "http://example.com/",
      "path state" },
    { "no path before a query", NULL, "http://example.com?q", "http://example.com/?q",
      "path state" },
    { "scheme and host in lower case", NULL, "HTTP://EXAMPLE.com/Path",
      "http://example.com/Path", "scheme state" },
    { "the default port goes", NULL, "https://example.com:443/", "https://example.com/",
      "port state" },
    { "http's default port stays on https", NULL, "https://example.com:80/",
      "https://example.com:80/", "port state" },
    { "leading zeros of a port go", NULL, "http://example.com:00000000000000000008080/",
      "http://example.com:8080/", "port state" },
    { "an empty port goes", NULL, "http://example.com:/", "http://example.com/",
      "port state" },
    { "port 0", NULL, "http://example.com:0/", "http://example.com:0/", "port state" },
    { "port 65535", NULL, "http://example.com:65535/", "http://example.com:65535/",
      "port state" },
    { "port 65536", NULL, "http://example.com:65536/", NULL, "port state" },
    { "a port past 64 bits", NULL, "http://example.com:99999999999999999999/", NULL,
      "port state" },
    { "a port of letters", NULL, "http://example.com:8a/", NULL, "port state" },
    { "a signed port", NULL, "http://example.com:-1/", NULL, "port state" },

    /* White space and controls. */
    { "white space around goes", NULL, " \t\r\n http://example.com/ \f\x01",
      "http://example.com/", "basic URL parser 1.3" },
    { "tabs and newlines inside go", NULL, "ht\ttp://exa\nmple.com/a\r\nb",
      "http://example.com/ab", "basic URL parser 3" },
    { "a form feed inside stays", NULL, "http://example.com/a\fb",
      "http://example.com/a%0Cb", "path state" },
    { "a space in the path", NULL, "http://example.com/a b", "http://example.com/a%20b",
      "path percent-encode set" },
    { "a space in the host", NULL, "http://exa mple.com/", NULL,
      "forbidden domain code point" },

    /* Percent-encode sets. */
    { "path set", NULL, "http://h/ \"#<>", "http://h/%20%22#%3C%3E",
      "path and fragment percent-encode sets" },
    { "path set, the rest", NULL, "http://h/^`{}|[]'~", "http://h/%5E%60%7B%7D|[]'~",
      "path percent-encode set" },
    { "special query set", NULL, "http://h/?a'b\"<>^`{}|[]\\",
      "http://h/?a%27b%22%3C%3E^`{}|[]\\", "special-query percent-encode set" },
    { "query set", NULL, "foo://h/?a'b\"<>`", "foo://h/?a'b%22%3C%3E`",
      "query percent-encode set" },
    { "fragment set", NULL, "http://h/#a'b\"<>`{}#", "http://h/#a'b%22%3C%3E%60{}#",
      "fragment percent-encode set" },
    { "userinfo set", NULL, "http://a/b@h/", "http://a/b@h/", "authority state" },
    { "userinfo set, the rest", NULL, "http://a;=[]^|:b:c@h/",
      "http://a%3B%3D%5B%5D%5E%7C:b%3Ac@h/", "userinfo percent-encode set" },
    { "existing escapes stay as written", NULL, "http://h/%7e%E2%82%ac%zz%",
      "http://h/%7e%E2%82%ac%zz%", "path state" },
    { "non-ASCII is encoded as UTF-8", NULL,
      "http://h/\xc3\xa9?\xe2\x82\xac#\xf0\x9f\x98\x80",
      "http://h/%C3%A9?%E2%82%AC#%F0%9F%98%80", "UTF-8 percent-encode" },
    { "broken UTF-8 is U+FFFD", NULL, "http://h/a\377b\xe2\x82?\xc0\x80",
      "http://h/a%EF%BF%BDb%EF%BF%BD?%EF%BF%BD%EF%BF%BD",
      "Encoding standard, UTF-8 decoder" },
    { "delete", NULL, "http://h/\x7f", "http://h/%7F",
      "C0 control percent-encode set" },

    /* Dot segments. */
    { "dot segments", NULL, "http://h/a/./b/../c", "http://h/a/c", "path state" },
    { "dot segments at the end", NULL, "http://h/a/b/..", "http://h/a/", "path state" },
    { "a dot at the end", NULL, "http://h/a/.", "http://h/a/", "path state" },
    { "above the root", NULL, "http://h/../../a", "http://h/a",
      "shorten a url's path" },
    { "encoded dots are dots", NULL, "http://h/a/%2E%2e/%2e/b/.%2E/%2e./c",
      "http://h/c", "double-dot URL path segment" },
    { "three dots are a name", NULL, "http://h/a/.../%2e%2e%2e",
      "http://h/a/.../%2e%2e%2e", "path state" },
    { "a hidden file is a name", NULL, "http://h/.well-known/..x",
      "http://h/.well-known/..x", "path state" },
    { "empty segments stay", NULL, "http://h//a//../b//", "http://h//a/b//",
      "path state" },
    { "dots before a query", NULL, "http://h/a/..?x", "http://h/?x", "path state" },
    { "dots in a query stay", NULL, "http://h/a?/../b", "http://h/a?/../b",
      "query state" },

    /* Slashes. */
    { "backslashes are slashes", NULL, "http:\\\\h\\a\\..\\b", "http://h/b",
      "special authority slashes state" },
    { "backslashes stay in a query", NULL, "http://h/?\\", "http://h/?\\",
      "query state" },
    { "backslashes stay without a special scheme", NULL, "foo://h/a\\b", "foo://h/a\\b",
      "path state" },
    { "too many slashes", NULL, "http://////h/", "http://h/",
      "special authority ignore slashes state" },
    { "no slashes", NULL, "http:h/p", "http://h/p", "special authority slashes state" },
    { "a backslash ends the host", NULL, "http://h\\@evil/", "http://h/@evil/",
      "authority state" },

    /* Userinfo. */
    { "userinfo", NULL, "http://user:pass@h/", "http://user:pass@h/",
      "authority state" },
    { "only a password", NULL, "http://:pass@h/", "http://:pass@h/", "URL serializer" },
    { "an empty password", NULL, "http://user:@h/", "http://user@h/",
      "URL serializer" },
    { "empty userinfo", NULL, "http://:@h/", "http://h/", "URL serializer" },
    { "the last @ counts", NULL, "http://a@b@h/", "http://a%40b@h/",
      "authority state" },
    { "userinfo without a host", NULL, "http://user@/x", NULL, "authority state" },
    { "userinfo without any host", NULL, "foo://user@/x", NULL, "authority state" },
    { "an @ in the path", NULL, "http://h/a@b", "http://h/a@b", "path state" },

    /* Hosts; more in test_host. */
    { "an empty host", NULL, "http://", NULL, "host state" },
    { "an empty host before a query", NULL, "https://?x", NULL, "host state" },
    { "an empty host before a port", NULL, "http://:80/", NULL, "host state" },
    { "an empty host of another scheme before a port", NULL, "foo://:80/", NULL,
      "host state" },
    { "an encoded host", NULL, "http://ex%61mple%2Ecom/", "http://example.com/",
      "host parser" },
    { "an encoded slash in the host", NULL, "http://a%2Fb/", NULL,
      "forbidden domain code point" },
    { "an international host", NULL, "http://B\303\234CHER.example/",
      "http://xn--bcher-kva.example/", "domain parser" },
    { "IPv4 in one number", NULL, "http://0x7f000001/", "http://127.0.0.1/",
      "IPv4 parser" },
    { "IPv6 with a port", NULL, "http://[2001:DB8:0:0::1]:81/",
      "http://[2001:db8::1]:81/", "IPv6 serializer" },
    { "a colon in brackets is no port", NULL, "http://[::1", NULL, "host state" },
    { "a domain in brackets", NULL, "http://[h.example]/", NULL, "IPv6 parser" },
    { "a NUL in the host", NULL, "http://a%00b/", NULL, "forbidden host code point" },

    /* Relative references (RFC 3986 §5.4 has the same answers for these). */
    { "a name", "http://a/b/c/d;p?q", "g", "http://a/b/c/g", "RFC 3986 §5.4.1" },
    { "an own dot", "http://a/b/c/d;p?q", "./g", "http://a/b/c/g", "RFC 3986 §5.4.1" },
    { "a directory", "http://a/b/c/d;p?q", "g/", "http://a/b/c/g/", "RFC 3986 §5.4.1" },
    { "an absolute path", "http://a/b/c/d;p?q", "/g", "http://a/g", "RFC 3986 §5.4.1" },
    { "another host", "http://a/b/c/d;p?q", "//g", "http://g/", "RFC 3986 §5.4.1" },
    { "a query alone", "http://a/b/c/d;p?q", "?y", "http://a/b/c/d;p?y",
      "RFC 3986 §5.4.1" },
    { "a fragment alone", "http://a/b/c/d;p?q", "#s", "http://a/b/c/d;p?q#s",
      "RFC 3986 §5.4.1" },
    { "nothing", "http://a/b/c/d;p?q#f", "", "http://a/b/c/d;p?q", "RFC 3986 §5.4.1" },
    { "a dot", "http://a/b/c/d;p?q", ".", "http://a/b/c/", "RFC 3986 §5.4.1" },
    { "two dots", "http://a/b/c/d;p?q", "..", "http://a/b/", "RFC 3986 §5.4.1" },
    { "two up", "http://a/b/c/d;p?q", "../../g", "http://a/g", "RFC 3986 §5.4.1" },
    { "too far up", "http://a/b/c/d;p?q", "../../../../g", "http://a/g",
      "RFC 3986 §5.4.2" },
    { "a scheme without slashes", "http://a/b/c/d;p?q", "http:g", "http://a/b/c/g",
      "special relative or authority state" },
    { "another scheme without slashes", "http://a/b/c/d;p?q", "https:g", "https://g/",
      "special authority slashes state" },
    { "userinfo and port are inherited", "http://u:p@a:81/b", "c?d",
      "http://u:p@a:81/c?d", "relative state" },
    { "backslashes to another host", "http://a/b", "\\\\h\\p", "http://h/p",
      "relative slash state" },
    { "a relative reference without base", NULL, "a/b", NULL, "no scheme state" },
    { "an empty reference without base", NULL, "", NULL, "no scheme state" },
    { "a relative reference with a colon", "http://a/b", "c:d", "c:d", "scheme state" },
    { "a name with a colon behind a slash", "http://a/b", "c/d:e", "http://a/c/d:e",
      "scheme state" },
    { "a scheme cannot begin with a digit", "http://a/b", "1c:d", "http://a/1c:d",
      "scheme start state" },

    /* Schemes that are not special. */
    { "mailto", NULL, "mailto:a b@c", "mailto:a b@c", "opaque path state" },
    { "javascript", NULL, "javascript:alert('x')", "javascript:alert('x')",
      "opaque path state" },
    { "spaces before a query", NULL, "data:a  ?x", "data:a %20?x",
      "opaque path state" },
    { "spaces before a fragment", NULL, "data:a  #x", "data:a %20#x",
      "opaque path state" },
    { "spaces at the end", NULL, "data:a  ", "data:a", "basic URL parser 1.3" },
    { "an opaque base and a fragment", "mailto:a?b", "#c", "mailto:a?b#c",
      "no scheme state" },
    { "an opaque base and a name", "mailto:a", "b", NULL, "no scheme state" },
    { "an opaque host keeps its case", NULL, "foo://H%41/", "foo://H%41/",
      "opaque-host parser" },
    { "an opaque host in Unicode", NULL, "foo://\xc3\xa9/", "foo://%C3%A9/",
      "opaque-host parser" },
    { "an opaque host with a forbidden byte", NULL, "foo://a^b/", NULL,
      "opaque-host parser" },
    { "no host, no path", NULL, "foo://", "foo://", "host state" },
    { "no path behind an opaque host", NULL, "foo://h?q", "foo://h?q",
      "path start state" },
    { "a name against no path", "foo://h", "x", "foo://h/x", "relative state" },
    { "two dots against no path", "foo://h", "..", "foo://h/", "path state" },
    { "a path like a host is guarded", NULL, "foo:/.//p", "foo:/.//p",
      "URL serializer" },
    { "a path that becomes like a host", NULL, "foo:/a/..//p", "foo:/.//p",
      "URL serializer" },
    { "the guard goes where it is not needed", "foo:/.//p", "/q", "foo:/q",
      "URL serializer" },
    { "the guard stays with the path", "foo:/.//p", "?q", "foo:/.//p?q",
      "URL serializer" },
    { "the guard comes back", "foo:/.//p/x", "y", "foo:/.//p/y", "URL serializer" },
    { "a default port elsewhere stays", NULL, "foo://h:80/", "foo://h:80/",
      "port state" },

    /* file: */
    { "file", NULL, "file:///etc/x", "file:///etc/x", "file host state" },
    { "file with one slash", NULL, "file:/etc/x", "file:///etc/x", "file slash state" },
    { "file with none", NULL, "file:x", "file:///x", "file state" },
    { "file on localhost", NULL, "file://LOCALHOST/x", "file:///x", "file host state" },
    { "file on a host", NULL, "file://h/x", "file://h/x", "file host state" },
    { "file on a host with a port", NULL, "file://h:80/x", NULL, "file host state" },
    { "a drive letter", NULL, "file:///C|/x/../..", "file:///C:/", "path state" },
    { "a drive letter as host", NULL, "file://c:/x", "file:///c:/x",
      "file host state" },
    { "a drive letter is kept", "file:///C:/a/b", "/x", "file:///C:/x",
      "file slash state" },
    { "a drive letter is replaced", "file:///C:/a/b", "D|/x", "file:///D:/x",
      "file state" },
    { "a drive letter gives way to another", "file:///C:/a/b", "/D:/x", "file:///D:/x",
      "file slash state" },
    { "a drive letter only comes first", NULL, "file:///a/C|/x", "file:///a/C|/x",
      "path state" },
    { "a drive letter comes first again", NULL, "file:///a/../C|/x", "file:///C:/x",
      "path state" },
    { "a drive letter ends with its segment", "file:///C:/a", "D:x", "d:x",
      "scheme state" },
    { "a name against a file", "file://h/a/b?q", "c", "file://h/a/c", "file state" },
    { "a query against a file", "file:///a/b?q", "?r", "file:///a/b?r", "file state" },
    { "nothing against a file", "file:///a/b?q#f", "", "file:///a/b?q", "file state" },
    { "another host against a file", "file:///a", "//h/x", "file://h/x",
      "file host state" },
};

static void parse_row_holds(void **state)
{
    const struct url_parser_query query = { 0 };
    const struct parse_row *row = *state;
    struct url base, u, again;
    struct arena mem;
    enum err e;

    arena_init(&mem, ROOM);
    if (row->base)
        assert_int_equal(url_parse(span_str(row->base), NULL, &mem, &base), OK);

    e = url_state_parse(span_str(row->in), row->base ? &base : NULL, &query, &mem, &u);

    assert_int_equal(e, row->want ? OK : ERR_INVALID);
    assert_int_equal(
        url_parse(span_str(row->in), row->base ? &base : NULL, &mem, &again), e);
    if (row->want) {
        assert_span(u.href, row->want);
        assert_url_sane(&u);
        assert_same_url(&u, &again);
        assert_int_equal(url_reparse(u.href, &mem, &again), OK);
        assert_same_url(&u, &again);
    }
    arena_clear(&mem);
}

static struct CMUnitTest tests[ARRAY_LEN(parse_rows)];

int main(void)
{
    for (size_t i = 0; i < ARRAY_LEN(parse_rows); i++)
        tests[i] =
            (struct CMUnitTest){ .name = parse_rows[i].label,
                                 .test_func = parse_row_holds,
                                 .initial_state = (void *)(uintptr_t)&parse_rows[i] };
    return cmocka_run_group_tests_name("parse/url_state", tests, NULL, NULL);
}
