#!/bin/sh
# Lives with a crawl that is started again and again while its site changes: every diff must be what was done to the
# files, unchanged pages are asked for conditionally and answered 304, a start that overlaps exits 6, and a run that is
# killed is completed by the next start.
#
# usage: cron.sh CRAWL SERVE [cron]
# Without "cron" the starts follow one another at once. With it a cron daemon of our own makes them, one a minute, ten
# times: it takes eleven minutes and root, and sees a crontab and a pid file of its own (a mount namespace).
# SITES=FILE takes sites of yours instead of making one, one a line: START-URL FOLDER. They are served by a server of
# yours, with ETag or Last-Modified, from FOLDERs that are changed: give copies. A minute in which large sites are still
# being changed or looked at is passed over.
set -eu
export LC_ALL=C
crawl=$(realpath "$1") serve=$(realpath "$2") mode=${3:-}
t=$(mktemp -d) server='' daemon='' failures=0
work=$t/work
mkdir "$work"

clean_up() {
    exec 9>&-
    [ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
    [ -z "$server" ] || wait "$server" 2>/dev/null || true
    rm -rf "$t"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP
fail() { echo "FAIL $*"; failures=$((failures + 1)); }

# --- the sites ------------------------------------------------------------------------------------------------------

page() { # FOLDER/NAME TITLE TEXT LINKS...
    file=$1 title=$2 text=$3
    shift 3
    {
        echo "<!doctype html><html lang=en><head><title>$title</title><meta name=description content=\"About $title\"></head>"
        echo "<body><h1>$title</h1><p>$text</p><ul>"
        for link in "$@"; do echo "<li><a href=\"$link\">$link</a></li>"; done
        echo "</ul></body></html>"
    } > "$file"
}

make_site() { # FOLDER
    mkdir "$1"
    i=0 all=
    while [ $i -lt 20 ]; do
        page "$1/p$i.html" "Page $i" "The text of page $i, which says little." "p$(((i + 1) % 20)).html" index.html
        all="$all p$i.html"
        i=$((i + 1))
    done
    # shellcheck disable=SC2086
    page "$1/index.html" "Start" "Where everything begins." $all
    printf 'User-agent: *\nDisallow:\n' > "$1/robots.txt"
}

# $t/sites: NUMBER START-URL FOLDER
if [ -n "${SITES:-}" ]; then
    number=0
    while read -r url folder; do
        number=$((number + 1))
        echo "$number $url $folder"
    done < "$SITES" > "$t/sites"
else
    make_site "$t/site"
    mkfifo "$t/fifo"
    "$serve" "$t/site" < "$t/fifo" > "$t/url" &
    server=$!
    exec 9> "$t/fifo"
    i=0
    while [ ! -s "$t/url" ] && [ $i -lt 200 ]; do sleep 0.05; i=$((i + 1)); done
    echo "1 $(cat "$t/url")index.html $t/site" > "$t/sites"
fi
seeds=$(cut -d ' ' -f 2 "$t/sites" | tr '\n' ' ')
numbers=$(cut -d ' ' -f 1 "$t/sites")

sql() { "$crawl" sql -f tsv "$1" | tail -n +2; }
linking_to() ( # the crawled pages with a link to FILE, by their hrefs alone
    cd "$site" || exit 1
    grep -RHoE --include='*.html' "href=\"([^\"#?:]*/)?${1##*/}(#[^\"]*)?\"" . | sed 's|:href="|\t|; s|[#"].*||; s|^\./||' > "$t/hrefs"
    sed 's|^[^/\t]*\t||; s|/[^/\t]*\t|/|' "$t/hrefs" | tr '\n' '\0' | xargs -0 -r realpath -ms --relative-to=. |
        paste - "$t/hrefs" | awk -F '\t' -v file="$1" '$1 == file && $2 != file { print $2 }' | sort -u | comm -12 - "$t/pages$number"
)

# Four pages of each site to work on: plain names and titles, no other name of the same file (a link in the file system
# makes several pages of one), and who links to them must be plain too (the same by grep and in the database).
choose() {
    for number in $numbers; do
        use "$number"
        sql "SELECT replace(url, '$base', '') FROM urls JOIN pages ON url_id = id" | sort > "$t/pages$number"
        grep -E '^([A-Za-z0-9_.-]*/)*[A-Za-z0-9_-]*\.html$' "$t/pages$number" | grep -vE '(^|/)index' > "$t/candidates"
        chosen=
        set --
        while read -r f; do
            [ -f "$site/$f" ] && [ "$f" != "$start" ] || continue
            title_of "$f" | grep -qE '^[A-Za-z0-9]([A-Za-z0-9.,:(){}+—/-]| [^ ])*$' || continue
            [ "$(find -L "$site" -samefile "$site/$f" | wc -l)" -eq 1 ] || continue
            linking_to "$f" > "$t/by_grep"
            [ "$(wc -l < "$t/by_grep")" -le 1000 ] || continue
            sql "SELECT DISTINCT replace(s.url, '$base', '') FROM links l JOIN urls s ON s.id = l.src_id
                JOIN urls d ON d.id = l.dst_id WHERE d.url = '$base$f' AND s.id <> d.id" | sort > "$t/by_links"
            cmp -s "$t/by_links" "$t/by_grep" || continue
            [ "$(sql "SELECT count(*) FROM urls WHERE url GLOB '$base$f*'")" = 1 ] || continue
            chosen="$chosen $f"
            # shellcheck disable=SC2086
            set -- $chosen
            [ $# -lt 4 ] || break
        done < "$t/candidates"
        [ $# -eq 4 ] || { echo "site $number has no four pages to work on, only:$chosen" >&2; exit 1; }
        echo "$number $*"
    done > "$t/chosen"
}

# From here on $site is its folder, $base the folder's URL; $start, $hub, $one, $two, $three are pages in it, $folder
# is where the hub lies.
use() { # NUMBER
    number=$1
    read -r _ start site <<EOF
$(grep "^$1 " "$t/sites")
EOF
    start=${start#*://*/}
    base=$(grep "^$1 " "$t/sites" | cut -d ' ' -f 2)
    base=${base%"$start"}
    [ ! -s "$t/chosen" ] || read -r _ hub one two three <<EOF
$(grep "^$1 " "$t/chosen")
EOF
    folder=
    case ${hub:-} in */*) folder=${hub%/*}/ ;; esac
}

# --- what is done to them, and what the diff must say -----------------------------------------------------------------

# Rows are "CHANGE FILE FIELD WAS NOW SOURCE", those of content without their hashes; files are NUMBER:NAME.
expect() { # CHANGE FILE FIELD WAS NOW SOURCE, the last "-" where there is none
    change=$1 file=$2
    shift 2
    for last; do :; done
    rest=${*%"$last"}
    [ "$last" = - ] || last=$number:$last
    echo "$change $number:$file $rest$last" >> "$t/expected"
}
no_more_links() { # broken: every page of FILE's that links to it
    for source in $(linking_to "$1"); do [ ! -f "$site/$source" ] || expect broken "$1" status 200 404 "$source"; done
}
append() { echo "$2" >> "$site/$1"; }
retitle() { sed -i "s|<title>[^<]*</title>|<title>$2</title>|" "$site/$1"; }
title_of() { sed -n 's|.*<title>\([^<]*\)</title>.*|\1|p' "$site/$1" | head -1 | sed 's/&#8212;/—/g'; }

change_sites() { # STEP
    : > "$t/expected"
    for n_site in $numbers; do
        use "$n_site"
        change_site "$1"
    done
}

change_site() { # STEP
    case $1 in
    1) ;; # nothing
    2)
        append "$one" "<p>A sentence more.</p>"
        expect changed "$one" content - - -
        ;;
    3)
        page "$site/${folder}added.html" "Added" "A page that was not there." "${hub##*/}"
        append "$hub" '<p><a href="added.html">the new one</a></p>'
        expect new "${folder}added.html" status - 200 -
        expect changed "$hub" content - - -
        ;;
    4)
        mv "$site/$two" "$t/kept$number"
        expect gone "$two" status 200 404 -
        no_more_links "$two"
        ;;
    5)
        append "$hub" "<p>This page changed, and may have a broken link as before.</p>"
        expect changed "$hub" content - - -
        ;;
    6) # the slow one: it is met by another start
        append "$one" "<p>And another one.</p>"
        expect changed "$one" content - - -
        ;;
    7)
        mv "$t/kept$number" "$site/$two"
        expect back "$two" status 404 200 -
        ;;
    8) # the killed one
        rm "$site/${folder}added.html"
        expect gone "${folder}added.html" status 200 404 -
        no_more_links "${folder}added.html"
        was=$(title_of "$three")
        retitle "$three" "A new title"
        expect changed "$three" content - - -
        expect changed "$three" title "$was" "A new title" -
        ;;
    9)
        page "$site/${folder}fresh.html" "Fresh" "With a link that leads nowhere." nowhere.html
        append "$hub" '<p><a href="fresh.html">fresh</a></p>'
        expect new "${folder}fresh.html" status - 200 -
        expect failed "${folder}nowhere.html" status - 404 -
        expect changed "$hub" content - - -
        expect broken "${folder}nowhere.html" status - 404 "${folder}fresh.html"
        ;;
    esac
}

# --- one start ------------------------------------------------------------------------------------------------------

cat > "$t/job" <<EOF
#!/bin/sh
cd $work || exit 9
rm $t/may_start 2> /dev/null || exit 0
begun=\$(date +%s)
. $t/pace
$crawl -q --delay \$delay --per-host \$per_host --allow-net 127.0.0.0/8 --dns 127.0.0.1:1 --json-summary summary.json \\
    --fail-on gone,broken --log crawl.log $seeds > said.\$\$ 2>&1
code=\$?
echo "\$begun \$code \$\$" >> $t/starts
EOF
chmod +x "$t/job"
quick() { echo 'delay=0 per_host=4' > "$t/pace"; }
slow() { # SECONDS for the largest site
    pages=$(sql 'SELECT max(n) FROM (SELECT count(*) AS n FROM pages JOIN urls ON urls.id = url_id GROUP BY host_id)')
    echo "delay=$(($1 * 1000 / pages + 1))ms per_host=1" > "$t/pace"
}
: > "$t/starts"
quick
cd "$work"

starts() { wc -l < "$t/starts"; }
code_of() { sed -n "$1s/^[0-9]* \([0-9]*\) .*/\1/p" "$t/starts"; }
said_by() { cat "$work/said.$(sed -n "$1s/.* //p" "$t/starts")"; }
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

# Waits for the next start to begin; without cron it makes it. Each leave to start is for one.
let_start() { : > "$t/may_start"; }
begin() { let_start; if [ "$mode" = cron ]; then await 900 has_begun || fail "cron started nothing"; else "$t/job" & job=$!; await 100 has_begun || true; fi; }
# Waits until N starts are over.
over() { await 1500 has_starts "$1" || fail "start $1 is not over"; [ "$mode" = cron ] || wait "$job" 2>/dev/null || true; }

# --- what a run must have left ----------------------------------------------------------------------------------------

check() { # STEP RUN CODE
    if [ "$3" != "$(grep -qE '^(gone|broken)' "$t/expected" && echo 1 || echo 0)" ]; then fail "step $1: exit code $3"; fi
    "$crawl" diff -f tsv | tail -n +2 | awk -F '\t' -v OFS=' ' '
        FILENAME != "-" { split($0, part, " "); base = part[2]; sub("[^/]*$", "", base)
              match(base, "^[a-z]+://[^/]*/"); number[substr(base, 1, RLENGTH)] = part[1]; next }
        { for (i = 1; i <= 7; i++) {
              for (base in number) if (index($i, base) == 1) $i = number[base] ":" substr($i, length(base) + 1)
              if ($i == "") $i = "-" }
          if ($3 == "content") $4 = $5 = "-"
          print $1, $2, $3, $4, $5, $7 }' "$t/sites" - | sort > "$t/found"
    sort "$t/expected" > "$t/wanted"
    if ! cmp -s "$t/wanted" "$t/found"; then
        fail "step $1: the diff of run $2 is not what was done (- wanted, + found)"
        diff -u "$t/wanted" "$t/found" | tail -n +3 || true
    fi
    # Every page that was not touched is answered 304; what answers 200 is what was touched.
    asked=$(sql "SELECT count(DISTINCT url_id) FROM fetches WHERE run_id = $2")
    unchanged=$(sql "SELECT count(*) FROM urls u JOIN fetches f ON f.id = u.fetch_id WHERE f.run_id = $2 AND f.status_code = 304")
    anew=$(sql "SELECT count(*) FROM urls u JOIN fetches f ON f.id = u.fetch_id WHERE f.run_id = $2 AND f.status_code = 200")
    touched=$(grep -E '^(new|back|changed) ' "$t/expected" | cut -d ' ' -f 2 | sort -u | wc -l)
    [ "$anew" -eq "$touched" ] || fail "step $1: $touched pages were touched, but $anew answered 200"
    pages=$(sql "SELECT count(*) FROM urls u JOIN fetches f ON f.id = u.fetch_id
        WHERE u.state IN ('fetched', 'not_modified') AND f.status_code IN (200, 304)")
    [ $((unchanged + anew)) -eq "$pages" ] || fail "step $1: of $pages pages only $((unchanged + anew)) were asked"
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

echo "seeds: $seeds"
if [ "$mode" = cron ]; then
    command -v cron > /dev/null || { echo "there is no cron here"; exit 1; }
    touch /etc/crontab # something to mount over
    start_cron
fi

n=0
begin; n=$((n + 1)); over $n
[ "$(code_of 1)" = 0 ] || [ "$(code_of 1)" = 1 ] || { fail "the first run exits $(code_of 1)"; said_by 1; }
choose
while read -r number pages_chosen; do echo "site $number: changed are $pages_chosen"; done < "$t/chosen"
echo "run 1   $(sql "SELECT count(*) FROM fetches") URLs asked, exit $(code_of 1)"

for step in 1 2 3 4 5; do
    change_sites $step
    begin; n=$((n + 1)); over $n
    check $step "$(run_id)" "$(code_of $n)"
done

# A slow run is met by the next start.
change_sites 6
if [ "$mode" = cron ]; then slow 80; else slow 3; fi
begin
pid=$(holder)
let_start
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

change_sites 7
begin; n=$((n + 1)); over $n
check 7 "$(run_id)" "$(code_of $n)"

# A run is killed in the middle; the next start completes it.
change_sites 8
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

change_sites 9
begin; n=$((n + 1)); over $n
check 9 "$(run_id)" "$(code_of $n)"

echo "exit codes of all starts: $(cut -d ' ' -f 2 "$t/starts" | tr '\n' ' ')"
[ ! -s "$work/crawl.log" ] || grep -vE 'no-contact' "$work/crawl.log" || true
[ $failures -eq 0 ] && echo "cron: every diff is what was done" || { echo "$failures failures"; exit 1; }
