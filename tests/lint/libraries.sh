#!/bin/sh
# Which file may include which library. A library in a new place is a decision: add it here and say why in docs/decisions.
bad=0
only() { # header pattern, files that may (regular expression)
    out=$(grep -lE "#include <($1)" config/*.[ch] parse/*.[ch] fetch/*.[ch] store/*.[ch] crawler/*.[ch] 2>/dev/null | grep -vE "^($2)$")
    [ -z "$out" ] || { echo "<$1> must not be included by: $out"; bad=1; }
}
only 'curl/' 'fetch/(multi|transfer|fetcher|outcome|route|trust|versions)\.[ch]'
only 'ares' 'fetch/(dns|dns_asker|versions)\.[ch]'
only 'libxml/' 'parse/(xml|tree|tree_[a-z]+|library|worker|warmup)\.[ch]'
only 'unicode/' 'parse/(host|charset|codec|codec_[a-z0-9_]+|detect|library|worker|warmup)\.[ch]'
only 'sqlite3\.h' 'store/[a-z_]+\.[ch]'
only 'pcre2\.h' 'crawler/patterns\.c'
only 'libpsl\.h' '(parse/host|crawler/cookies)\.c'
only 'jansson\.h' 'parse/inspect[a-z_]*\.[ch]'
only 'seccomp\.h|linux/landlock\.h' 'parse/sandbox\.c'
only 'sys/epoll\.h|sys/timerfd\.h|sys/signalfd\.h' 'fetch/loop\.[ch]'
only 'brotli/|zlib\.h' '(parse/(decode|pack|library)[a-z_]*|crawler/warc_member)\.c'
only 'libdeflate\.h' 'parse/decode\.c'
only 'zstd\.h' 'parse/(decode|pack|library)[a-z_]*\.c'
only 'zdict\.h' 'parse/trainer\.c'
[ $bad -eq 0 ] && echo "libraries: ok"
exit $bad
