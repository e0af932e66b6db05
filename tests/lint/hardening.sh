#!/bin/sh
# The released program is position-independent, bound at start, without an executable stack, with checked calls and
# stack guards (promise P55). usage: hardening.sh PROGRAM; other builds than the release have other flags.
p=$1 bad=0
case $p in *release*) ;; *) echo "hardening: not a release build"; exit 0 ;; esac
has() { # what, in words, pattern, command...
    words=$1 pattern=$2; shift 2
    "$@" 2>/dev/null | grep -qE "$pattern" || { echo "$p: $words"; bad=1; }
}
has 'is not position-independent' 'Type: +DYN' readelf -hW "$p"
has 'is not bound at start' 'BIND_NOW' readelf -dW "$p"
has 'has no read-only relocations' 'GNU_RELRO' readelf -lW "$p"
has 'has an executable stack' 'GNU_STACK.* RW ' readelf -lW "$p"
has 'has no stack guards' '__stack_chk_fail' readelf -sW "$p"
has 'has no checked calls' '__(memcpy|snprintf|vsnprintf|memset)_chk' readelf -sW "$p"
[ $bad -eq 0 ] && echo "hardening: ok"
exit $bad
