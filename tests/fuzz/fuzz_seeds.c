/* SPDX-License-Identifier: MIT */
/*
 * The seeds file. What must hold for every text: nothing usable is an error
 * with a note; every seed is an http(s) URL without fragment and userinfo that
 * parses to itself, and its line exists.
 *
 * Needs: crawler/seeds.c
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/io.h"
#include "crawler/seeds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_seed(const struct seed *seed, size_t size)
{
    struct arena mem;
    struct url again;

    arena_init(&mem, (size_t)MIB);
    BUG_IF(!url_is_web(&seed->url) || url_hash(&seed->url).len ||
           url_username(&seed->url).len);
    BUG_IF(url_reparse(seed->url.href, &mem, &again));
    BUG_IF(seed->line < 1 || (size_t)seed->line > size + 1);
    arena_clear(&mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("seeds", MFD_CLOEXEC);
    char path[32], *operand = path;
    struct err_note note = { "" };
    static FILE *nowhere;
    struct seeds s;

    if (!nowhere)
        stderr = nowhere =
            fopen("/dev/null", "we"); /* complaints about bad lines go there */
    BUG_IF(fd < 0 || io_write_all(fd, span_make((const char *)data, size)));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (seeds_read(&operand, 1, &s, &note)) {
        BUG_IF(!note.text[0]);
    } else {
        BUG_IF(!s.len);
        for (size_t i = 0; i < s.len; i++)
            check_seed(&s.items[i], size);
        seeds_clear(&s);
    }
    close(fd);
    return 0;
}
