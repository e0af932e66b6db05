#!/bin/sh
# Lives with a crawl that is started again and again while its site changes: every diff must be what was done to the
# files, unchanged pages are asked for conditionally and answered 304, a start that overlaps exits 6, and a run that is
# killed is completed by the next start.
#
# usage: cron.sh CRAWL SERVE [cron]
# Without "cron" the starts follow one another at once. With it a cron daemon of our own makes them, one a minute, ten
# times: it takes eleven minutes and root, and sees a crontab and a pid file of its own (a mount namespace).
# SITE=FOLDER copies a site of yours instead of making one: HTML files beside an index.html, linked as href="name.html".
set -eu
crawl=$(realpath "$1") serve=$(realpath "$2") mode=${3:-}
t=$(mktemp -d) server='' daemon='' failures=0
site=$t/site work=$t/work
mkdir "$site" "$work"

clean_up() {
    exec 9>&-
    [ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
    [ -z "$server" ] || wait "$server" 2>/dev/null || true
    rm -rf "$t"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP
fail() { echo "FAIL $*"; failures=$((failures + 1)); }

# --- the site -----------------------------------------------------------------------------------------------------

page() { # NAME TITLE TEXT LINKS...
    name=$1 title=$2 text=$3
    shift 3
    {
        echo "<!doctype html><html lang=en><head><title>$title</title><meta name=description content=\"About $name\"></head>"
        echo "<body><h1>$title</h1><p>$text</p><ul>"
        for link in "$@"; do echo "<li><a href=\"$link\">$link</a></li>"; done
        echo "</ul></body></html>"
    } > "$site/$name"
}

make_site() {
    i=0 all=
    while [ $i -lt 20 ]; do
        page "p$i.html" "Page $i" "The text of page $i, which says little." "p$(((i + 1) % 20)).html" index.html
        all="$all p$i.html"
        i=$((i + 1))
    done
    # shellcheck disable=SC2086
    page index.html "Start" "Where everything begins." $all
}

if [ -n "${SITE:-}" ]; then cp -rL "$SITE/." "$site/"; else make_site; fi
[ -f "$site/robots.txt" ] || printf 'User-agent: *\nDisallow:\n' > "$site/robots.txt"
# Two pages to work on: they stand in the index.
set -- $(grep -o 'href="[A-Za-z0-9_-]*\.html"' "$site/index.html" | sed 's/href="//; s/"//' | grep -v '^index' | sort -u |
    while read -r f; do [ ! -f "$site/$f" ] || echo "$f"; done | head -3)
one=$1 two=$2 three=$3
linking_to() { # the pages, in the site's first folder, with a link to FILE
    (cd "$site" && grep -lE "href=\"(\./)?$1(#[^\"]*)?\"" ./*.html | sed 's|^\./||')
}

mkfifo "$t/fifo"
"$serve" "$site" < "$t/fifo" > "$t/url" &
server=$!
exec 9> "$t/fifo"
i=0
while [ ! -s "$t/url" ] && [ $i -lt 200 ]; do sleep 0.05; i=$((i + 1)); done
url=$(cat "$t/url")
pages=$(find "$site" -name '*.html' | wc -l)

# --- what is done to it, and what the diff must say -------------------------------------------------------------------

# Rows are "CHANGE FILE FIELD WAS NOW SOURCE", those of content without their hashes.
expect() { echo "$*" >> "$t/expected"; }
no_more_links() { # broken: every page of FILE's that links to it
    for source in $(linking_to "$1"); do [ ! -f "$site/$source" ] || expect "broken $1 status 200 404 $source"; done
}
append() { echo "$2" >> "$site/$1"; }
retitle() { sed -i "s|<title>[^<]*</title>|<title>$2</title>|" "$site/$1"; }
title_of() { sed -n 's|.*<title>\([^<]*\)</title>.*|\1|p' "$site/$1" | head -1; }

change_site() { # STEP
    : > "$t/expected"
    case $1 in
    1) ;; # nothing
    2)
        append "$one" "<p>A sentence more.</p>"
        expect "changed $one content - - -"
        ;;
    3)
        page added.html "Added" "A page that was not there." index.html
        append index.html '<p><a href="added.html">the new one</a></p>'
        expect "new added.html status - 200 -"
        expect "changed index.html content - - -"
        ;;
    4)
        mv "$site/$two" "$t/kept"
        expect "gone $two status 200 404 -"
        no_more_links "$two"
        ;;
    5) append index.html "<p>This page changed, and has a broken link as before.</p>"
        expect "changed index.html content - - -"
        ;;
    6) # the slow one: it is met by another start
        append "$one" "<p>And another one.</p>"
        expect "changed $one content - - -"
        ;;
    7)
        mv "$t/kept" "$site/$two"
        expect "back $two status 404 200 -"
        ;;
    8) # the killed one
        rm "$site/added.html"
        expect "gone added.html status 200 404 -"
        no_more_links added.html
        was=$(title_of "$three")
        retitle "$three" "A new title"
        expect "changed $three content - - -"
        expect "changed $three title $was A new title -"
        ;;
    9) page fresh.html "Fresh" "With a link that leads nowhere." nowhere.html
        append index.html '<p><a href="fresh.html">fresh</a></p>'
        expect "new fresh.html status - 200 -"
        expect "failed nowhere.html status - 404 -"
        expect "changed index.html content - - -"
        expect "broken nowhere.html status - 404 fresh.html"
        ;;
    esac
}

# --- one start ------------------------------------------------------------------------------------------------------

cat > "$t/job" <<EOF
#!/bin/sh
cd $work || exit 9
begun=\$(date +%s)
. $t/pace
$crawl -q --delay \$delay --per-host \$per_host --allow-net 127.0.0.0/8 --dns 127.0.0.1:1 --json-summary summary.json \\
    --fail-on gone,broken --log crawl.log ${url}index.html > said.\$\$ 2>&1
code=\$?
echo "\$begun \$code \$\$" >> $t/starts
EOF
chmod +x "$t/job"
quick() { echo 'delay=0 per_host=4' > "$t/pace"; }
slow() { echo "delay=$(($1 * 1000 / pages + 1))ms per_host=1" > "$t/pace"; } # SECONDS for the whole site
: > "$t/starts"
quick
cd "$work"

starts() { wc -l < "$t/starts"; }
code_of() { sed -n "$1s/^[0-9]* \([0-9]*\) .*/\1/p" "$t/starts"; }
said_by() { cat "$work/said.$(sed -n "$1s/.* //p" "$t/starts")"; }
sql() { "$crawl" sql -f tsv "$1" | tail -n +2; }
holder() { sed -n 's/^pid \([0-9]*\), .*/\1/p' crawl.db-lock 2>/dev/null || true; }
await() { # TENTHS CONDITION...
    tenths=$1
    shift
    while ! "$@" && [ "$tenths" -gt 0 ]; do sleep 0.1; tenths=$((tenths - 1)); done
    "$@"
}
has_started() { [ -n "$(holder)" ]; }
has_begun() { has_started || has_starts $((n + 1)); } # a quick run may be over before it is seen
has_starts() { [ "$(starts)" -ge "$1" ]; }
has_fetched() { [ "$(sql "SELECT count(*) FROM fetches WHERE run_id = (SELECT id FROM runs WHERE state = 'running')" 2>/dev/null || echo 0)" -ge "$1" ]; }

# Waits for the next start to begin; without cron it makes it.
begin() { if [ "$mode" = cron ]; then await 900 has_started || fail "cron started nothing"; else "$t/job" & job=$!; await 100 has_begun || true; fi; }
# Waits until N starts are over.
over() { await 1500 has_starts "$1" || fail "start $1 is not over"; [ "$mode" = cron ] || wait "$job" 2>/dev/null || true; }

# --- what a run must have left ----------------------------------------------------------------------------------------

check() { # STEP RUN CODE
    if [ "$3" != "$(grep -qE '^(gone|broken)' "$t/expected" && echo 1 || echo 0)" ]; then fail "step $1: exit code $3"; fi
    "$crawl" diff -f tsv | tail -n +2 | awk -F '\t' -v OFS=' ' -v u="$url" '
        { for (i = 1; i <= 7; i++) { if (index($i, u) == 1) $i = substr($i, length(u) + 1); if ($i == "") $i = "-" }
          if ($3 == "content") $4 = $5 = "-"
          print $1, $2, $3, $4, $5, $7 }' | sort > "$t/found"
    sort "$t/expected" > "$t/wanted"
    if ! cmp -s "$t/wanted" "$t/found"; then
        fail "step $1: the diff of run $2 is not what was done (- wanted, + found)"
        diff -u "$t/wanted" "$t/found" | tail -n +3 || true
    fi
    touched=$(grep -cE '^(new|gone|failed|back) ' "$t/expected" || true)
    touched=$((touched + $(grep '^changed ' "$t/expected" | cut -d ' ' -f 2 | sort -u | wc -l)))
    unchanged=$(sql "SELECT count(*) FROM urls u JOIN fetches f ON f.id = u.fetch_id WHERE f.run_id = $2 AND f.status_code = 304")
    # Pages that run 1 already had, all of them asked conditionally; errors have no validators.
    errors=$(sql "SELECT count(*) FROM urls u JOIN fetches f ON f.id = u.fetch_id WHERE f.run_id = $2 AND f.status_code = 404")
    asked=$(sql "SELECT count(DISTINCT url_id) FROM fetches WHERE run_id = $2")
    gone=$(grep -cE '^(gone|failed) ' "$t/expected" || true)
    [ $((asked - errors + gone - touched)) -eq "$unchanged" ] ||
        fail "step $1: of $asked URLs $errors answered 404 and $touched were touched, but $unchanged answered 304"
    unasked=$(sql "SELECT count(*) FROM fetches f WHERE run_id = $2 AND status_code = 304 AND request_headers NOT LIKE '%If-None-Match%'")
    [ "$unasked" = 0 ] || fail "step $1: $unasked answers 304 to unconditional requests"
    "$crawl" verify > "$t/verified" || { fail "step $1: verify"; grep WRONG "$t/verified" || true; }
    printf 'run %-3s %s URLs asked, %s answered 304, exit %s: %s\n' "$2" "$asked" "$unchanged" "$3" \
        "$(cut -d ' ' -f 1,2,3 "$t/wanted" | tr '\n' ',' | sed 's/,$//; s/,/, /g' | cut -c 1-150)"
}
run_id() { sql 'SELECT max(id) FROM runs'; }

start_cron() {
    mkdir "$t/crontabs" "$t/none" "$t/run"
    echo "* * * * * $t/job" > "$t/crontabs/root"
    chmod 600 "$t/crontabs/root"
    # Nothing of this machine's own cron is seen, read or touched.
    unshare -m sh -c "mount --bind '$t/crontabs' /var/spool/cron/crontabs && mount --bind '$t/none' /etc/cron.d &&
        mount --bind /dev/null /etc/crontab && mount --bind '$t/run' /run && exec env -i PATH=/usr/bin:/bin $(command -v cron) -f" &
    daemon=$!
}

# --- ten runs -------------------------------------------------------------------------------------------------------

echo "site: $pages pages at $url; changed are $one, $two, $three"
if [ "$mode" = cron ]; then
    command -v cron > /dev/null || { echo "there is no cron here"; exit 1; }
    touch /etc/crontab # something to mount over
    start_cron
fi

n=0
begin; n=$((n + 1)); over $n
[ "$(code_of 1)" = 0 ] || [ "$(code_of 1)" = 1 ] || { fail "the first run exits $(code_of 1)"; said_by 1; }
echo "run 1   $(sql "SELECT count(*) FROM fetches") URLs asked, exit $(code_of 1)"

for step in 1 2 3 4 5; do
    change_site $step
    begin; n=$((n + 1)); over $n
    check $step "$(run_id)" "$(code_of $n)"
done

# A slow run is met by the next start.
change_site 6
if [ "$mode" = cron ]; then slow 80; else slow 3; fi
begin
pid=$(holder)
[ "$mode" = cron ] || "$t/job"
n=$((n + 1)); await 900 has_starts $n
[ "$(code_of $n)" = 6 ] || fail "the overlapping start exits $(code_of $n)"
said_by $n | grep -q "pid $pid, started 20" || fail "the overlapping start does not name the holder: $(said_by $n)"
echo "meeting a running crawl: exit $(code_of $n): $(said_by $n)"
quick
has_ended() { [ "$(starts)" -gt "$n" ] && [ "$(code_of "$(starts)")" != 6 ]; }
await 1500 has_ended || fail "the slow run does not end"
n=$(starts)
check 6 "$(run_id)" "$(code_of "$n")"

change_site 7
begin; n=$((n + 1)); over $n
check 7 "$(run_id)" "$(code_of $n)"

# A run is killed in the middle; the next start completes it.
change_site 8
if [ "$mode" = cron ]; then slow 30; else slow 6; fi
begin
await 300 has_fetched 3
pid=$(holder) killed=$(run_id)
kill -9 "$pid"
quick
n=$((n + 1)); over $n
[ "$(code_of $n)" = 137 ] || fail "the killed run exits $(code_of $n)"
part=$(sql "SELECT count(*) FROM fetches WHERE run_id = $killed")
left=$(sql "SELECT count(*) FROM urls WHERE state = 'queued'")
[ "$left" -gt 0 ] || fail "nothing was left to do when the run was killed"
begin; n=$((n + 1)); over $n
[ "$(run_id)" = "$killed" ] || fail "the killed run $killed was not gone on with"
twice=$(sql "SELECT count(*) FROM (SELECT url_id FROM fetches WHERE run_id = $killed GROUP BY url_id HAVING count(*) > 1)")
[ "$twice" = 0 ] || fail "$twice URLs were asked twice in the run that was killed"
echo "killed with SIGKILL after $part URLs, $left left; the next start went on with run $killed"
check 8 "$(run_id)" "$(code_of $n)"

change_site 9
begin; n=$((n + 1)); over $n
check 9 "$(run_id)" "$(code_of $n)"

echo "exit codes of all starts: $(cut -d ' ' -f 2 "$t/starts" | tr '\n' ' ')"
[ ! -s "$work/crawl.log" ] || grep -vE 'no-contact' "$work/crawl.log" || true
[ $failures -eq 0 ] && echo "cron: every diff is what was done" || { echo "$failures failures"; exit 1; }
