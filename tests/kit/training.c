/* SPDX-License-Identifier: MIT */
#include "tests/kit/training.h"

#include "config/mem.h"
#include "parse/trainer.h"

#define MAX_PAGE ((size_t)64 * KIB)

/* The same words on every page, none of them twice. */
static void append_frame(struct buf *out)
{
    uint32_t r = 1;

    for (int i = 0; i < 300; i++) {
        r = r * 1664525u + 1013904223u;
        BUG_IF(buf_printf(out, "<i id='n%x'>%x</i>", r, r * 7));
    }
}

struct span training_page(int n, struct buf *out)
{
    uint32_t r = (uint32_t)n * 2654435761u;

    buf_reset(out);
    BUG_IF(buf_printf(out,
                      "<!doctype html><html lang=en><head><title>Page %d</title>"
                      "<link rel=stylesheet href=/style/common.css>"
                      "<meta name=viewport content='width=device-width'></head>"
                      "<body><nav class=menu><a href=/>Start</a>",
                      n));
    append_frame(out);
    for (int i = 0; i < 80; i++) {
        r = r * 1103515245u + 12345;
        BUG_IF(buf_printf(
            out,
            "<div class='item number-%u'><h2>Heading %u of the list</h2><p>Word%u and"
            " some text that every page has in the same place.</p></div>\n",
            r >> 24, r >> 16 & 0xff, r >> 8));
    }
    BUG_IF(buf_append(out, SPAN("</body></html>")));
    return buf_span(out);
}

struct span training_dictionary(uint32_t id, struct buf *out)
{
    struct trainer *t = trainer_new();
    struct buf page;
    bool is_ready = false;

    buf_init(&page, MAX_PAGE);
    buf_reset(out);
    for (int n = 0; !is_ready; n++) {
        unsigned char sha256[32] = { 0 };

        memcpy(sha256, &n, sizeof n);
        is_ready = trainer_add(t, training_page(n, &page), sha256);
    }
    BUG_IF(trainer_make(t, id, out));
    trainer_free(t);
    buf_clear(&page);
    return buf_span(out);
}
