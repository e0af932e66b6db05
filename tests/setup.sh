#!/bin/sh
# Installs what building and testing need on Debian 12 or later; does nothing when it is all there.
set -eu
packages="gcc make pkg-config ca-certificates libc6-dev libcurl4-openssl-dev libxml2-dev libsqlite3-dev libcmocka-dev
libc-ares-dev libicu-dev libpsl-dev zlib1g-dev libdeflate-dev libzstd-dev libbrotli-dev libxxhash-dev
libpcre2-dev libseccomp-dev libjansson-dev libssl-dev sqlite3"
missing=
for p in $packages; do
    dpkg-query -W -f='${Status}\n' "$p" 2>/dev/null | grep -q '^install ok installed' || missing="$missing $p"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ]; then
    sudo=
elif command -v sudo >/dev/null; then
    sudo=sudo
else
    echo "tests/setup.sh: as root, please (there is no sudo): apt-get install$missing" >&2
    exit 1
fi
echo "Installing what is missing, a minute or so:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install="apt-get install -y -qq --no-install-recommends"
# What apt and debconf say is of interest when they fail. sudo passes no variables on, hence env.
# shellcheck disable=SC2086
if ! { $sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive $install $missing; } >"$log" 2>&1; then
    cat "$log" >&2
    echo "tests/setup.sh: the packages could not be installed; why, stands above" >&2
    exit 1
fi
