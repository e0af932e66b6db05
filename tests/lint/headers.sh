#!/bin/sh
# Every header compiles alone; CC and the include flags come from the Makefile.
bad=0
for h in config/*.h parse/*.h fetch/*.h store/*.h crawler/*.h; do
    printf '#include "%s"\n' "$h" | ${CC:-gcc} -std=c17 -D_GNU_SOURCE -I. $LINT_CFLAGS -include config/banned.h \
        -Wall -Werror -fsyntax-only -x c - || { echo "not self-contained: $h"; bad=1; }
done
[ $bad -eq 0 ] && echo "headers: ok"
exit $bad
