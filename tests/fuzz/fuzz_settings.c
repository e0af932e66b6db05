/* SPDX-License-Identifier: MIT */
/*
 * The configuration file. What must hold for every text: it is taken, or the
 * note names the file and a line that exists; what is taken gives valid JSON
 * text, and no control byte reaches a setting.
 */
#include "config/mem.h"
#include "config/settings_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
    for (const char *p = text; p && *p; p++)
        BUG_IF(((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f);
}

static void check_settings(struct settings *s)
{
    struct err_note note = { "" };
    struct buf json;

    check_text(s->db);
    check_text(s->user_agent);
    for (size_t i = 0; i < s->headers.len; i++)
        check_text(s->headers.items[i].text);
    for (size_t i = 0; i < s->n_hosts; i++)
        BUG_IF(!s->hosts[i].pattern[0]);
    (void)settings_for_host(s, SPAN("www.example.org"));
    BUG_IF(settings_check(s, &note) && !note.text[0]);
    buf_init(&json, (size_t)16 * MIB);
    BUG_IF(settings_to_json(s, &json) || !span_is_utf8(buf_span(&json)));
    buf_clear(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_make((const char *)data, size);
    struct settings s = { 0 };
    struct err_note note = { "" };
    struct span rest;
    uint64_t line;

    options_set_defaults(&settings_table, &s);
    if (settings_file_read(&s, "f", text, &note)) {
        rest = span_str(note.text);
        BUG_IF(!span_starts(rest, SPAN("f:")));
        rest = span_skip(rest, 2);
        BUG_IF(!span_parse_u64(span_slice(rest, 0, span_find(rest, ':')), &line));
        BUG_IF(line < 1 || line > size + 1);
        check_text(note.text);
    } else {
        check_settings(&s);
    }
    settings_clear(&s);
    return 0;
}
