#!/bin/sh
# Installs what building and testing need on Debian 12 or later; does nothing when it is all there.
set -eu
packages="gcc make pkg-config libc6-dev libcurl4-openssl-dev libxml2-dev libsqlite3-dev libcmocka-dev libc-ares-dev
libicu-dev libpsl-dev zlib1g-dev libdeflate-dev libzstd-dev libbrotli-dev libxxhash-dev libpcre2-dev libseccomp-dev 
libjansson-dev libssl-dev sqlite3"
missing=
for p in $packages; do
    dpkg-query -W -f='${Status}\n' "$p" 2>/dev/null | grep -q '^install ok installed' || missing="$missing $p"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi
$sudo apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
