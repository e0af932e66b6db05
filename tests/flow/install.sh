#!/bin/sh
# `make install-test`: installs into a folder of its own, looks at what is there, and uninstalls. What a tool that is
# not installed (mandoc, systemd-analyze) would check is left out. usage: install.sh BUILD_FOLDER
set -eu
unset MAKEFLAGS MFLAGS # a make of its own
b=$1
dest=$(mktemp -d)
trap 'rm -rf "$dest"' EXIT
make -s B="$b" DESTDIR="$dest" PREFIX=/opt/x install >/dev/null
p=$dest/opt/x
fail() { echo "install: $1"; exit 1; }

for f in bin/crawl share/man/man1/crawl.1 share/man/man1/crawl-sql.1 share/man/man1/crawl-run.1 \
    share/man/man5/crawl.conf.5 share/man/man7/crawl-schema.7 share/bash-completion/completions/crawl \
    share/zsh/site-functions/_crawl share/fish/vendor_completions.d/crawl.fish lib/systemd/system/crawl@.service \
    lib/systemd/system/crawl@.timer share/doc/crawl/README.md share/doc/crawl/examples/crontab.example; do
    [ -s "$p/$f" ] || fail "$f is missing or empty"
done
"$p/bin/crawl" --version >/dev/null || fail "the program does not start"
grep -q '^ExecStart=/opt/x/bin/crawl ' "$p/lib/systemd/system/crawl@.service" || fail "the unit starts another program"
! grep -rq '/usr/bin/crawl' "$p/lib" || fail "a unit names another place"

if command -v mandoc >/dev/null; then
    for f in "$p"/share/man/man*/*; do
        out=$(mandoc -T lint -W warning "$f" 2>&1) || fail "$out"
    done
fi
if command -v systemd-analyze >/dev/null; then
    units=$dest/units
    mkdir "$units"
    for u in service timer; do
        sed "s|/opt/x|$p|" "$p/lib/systemd/system/crawl@.$u" > "$units/crawl@test.$u"
    done
    out=$(systemd-analyze verify --man=no "$units/crawl@test.service" "$units/crawl@test.timer" 2>&1 |
        grep crawl@ || true)
    [ -z "$out" ] || fail "$out"
fi

# Who begins with make is told what comes first, not which header is missing.
PKG_CONFIG_LIBDIR=/nowhere make -n 2>&1 | grep -q 'sh tests/setup.sh' || fail "missing libraries are not explained"
PKG_CONFIG_LIBDIR=/nowhere make -n help >/dev/null 2>&1 || fail "there is no help without libraries"

make -s B="$b" DESTDIR="$dest" PREFIX=/opt/x uninstall >/dev/null
left=$(find "$dest/opt" ! -type d)
[ -z "$left" ] || fail "uninstall left $left"
echo "install: ok"
