#!/bin/sh
# `make demo`: serves tests/data/demo on loopback, crawls it into build/demo.db, and asks the database.
# usage: demo.sh CRAWL SERVE
set -eu
crawl=$1 serve=$2 db=build/demo.db
rm -f "$db" "$db"-* "$db".lock build/demo.fifo
mkfifo build/demo.fifo
"$serve" tests/data/demo < build/demo.fifo > build/demo.url &
server=$!
exec 9> build/demo.fifo
trap 'exec 9>&-; wait $server 2>/dev/null; rm -f build/demo.fifo build/demo.url' EXIT
i=0
while [ ! -s build/demo.url ] && [ $i -lt 100 ]; do sleep 0.05; i=$((i + 1)); done
echo "$ crawl --delay 50ms --allow-net 127.0.0.0/8 -o $db seeds.txt"
"$crawl" --delay 50ms --allow-net 127.0.0.0/8 -o "$db" - < build/demo.url
show() { echo; case $1 in *\ *) echo "$ crawl sql -o $db \"$1\"" ;; *) echo "$ crawl sql -o $db $1" ;; esac; "$crawl" sql -o "$db" "$1"; }
show "SELECT url, status_code AS status, title FROM internal_all ORDER BY url"
show broken-links
show excluded
echo; echo "$ crawl verify -o $db"
"$crawl" verify -o "$db"
