#!/usr/bin/env python3
"""Makes parse/tags.inc, a perfect hash, from the names in parse/tags.h.

    parse/tables/make_tags.py < parse/tags.h > parse/tags.inc

The slot of a name is (key * multiplier) >> 55, 9 bits, where key holds the first eight
bytes, the first one lowest, which are no other name's. The multiplier is the first of a
fixed sequence that gives every name a slot of its own.
"""
import re
import sys

MASK = (1 << 64) - 1


def key(name):
    return int.from_bytes(name.encode()[:8], "little")


def main():
    ids = re.findall(r'X\((TAG_\w+), "([^"]*)"', sys.stdin.read())
    state = 0x9E3779B97F4A7C15
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) & MASK
        mult = state | 1
        slots = {}
        for tag, name in ids:
            if name:
                slots.setdefault((key(name) * mult & MASK) >> 55, []).append(tag)
        if all(len(v) == 1 for v in slots.values()):
            break
    print("/* Made by parse/tables/make_tags.py from parse/tags.h. */")
    print("const uint64_t tags_multiplier = UINT64_C(0x%016x);" % mult)
    print("const uint8_t tags_slots[512] = {")
    for slot, tags in sorted(slots.items()):
        print("    [%d] = %s," % (slot, tags[0]))
    print("};")
    print("const uint64_t tags_keys[N_TAGS] = {")
    for tag, name in ids:
        print("    [%s] = UINT64_C(0x%016x)," % (tag, key(name)))
    print("};")


main()
