#!/usr/bin/env python3
"""Makes parse/entities.inc from parse/tables/entities.txt.

    parse/tables/make_entities.py < parse/tables/entities.txt > parse/entities.inc

Names are sorted by their bytes, so all names with a common beginning stand together,
a shorter one before the longer ones that it begins.
"""
import sys


def main():
    rows = [line.split() for line in sys.stdin if line.strip() and line[0] != "#"]
    rows.sort(key=lambda row: row[0].encode())
    print("/* Made by parse/tables/make_entities.py from parse/tables/entities.txt. */")
    print("static const char entity_names[] = {")
    for name, *_ in rows:
        print("    " + "".join("'%s'," % c for c in name))
    print("};")
    print("static const struct entity entity_table[] = {")
    at = 0
    starts = {}
    for i, (name, *points) in enumerate(rows):
        first = points[0]
        second = points[1] if len(points) > 1 else "0"
        print("    { 0x%s, 0x%s, %d, %d }," % (first, second, at, len(name)))
        starts.setdefault(name[0], []).append(i)
        at += len(name)
    print("};")
    print("/* Where the names with this first letter begin and end. */")
    print("static const uint16_t entity_range[128][2] = {")
    for letter, where in sorted(starts.items()):
        print("    ['%s'] = { %d, %d }," % (letter, where[0], where[-1] + 1))
    print("};")


main()
