/* SPDX-License-Identifier: MIT */
/*
 * How fast bytes become text: validation, sniffing, decoding, detection, pairs,
 * simhash. Prints one JSON line for each; the best of several rounds, in
 * gigabytes of input a second (microseconds where the name says so).
 */
#include <time.h>

#include "parse/bigram.h"
#include "parse/charset.h"
#include "parse/detect.h"
#include "parse/digest.h"
#include "parse/utf8.h"
#include "tests/bench/bench.h"

#define ROUNDS     15
#define BODY_BYTES ((size_t)1 << 20)

static const char *const sentences[] = {
    "The first page of a site is asked for more often than all its other pages taken together. ",
    "La première page d’un site est demandée plus souvent que toutes les autres réunies. ",
    "Первую страницу сайта запрашивают чаще, чем все остальные вместе взятые. ",
    "网站的首页被访问的次数比其他所有页面加起来还要多。",
    "サイトの最初のページは、ほかのすべてのページより多く読まれる。",
    "หน้าแรกของเว็บไซต์ถูกเรียกดูบ่อยกว่าหน้าอื่นรวมกัน ",
};
static const char *const languages[] = { "en", "fr", "ru", "zh", "ja", "th" };

typedef size_t task(struct span in, const char *name, struct buf *out);

static size_t validate(struct span in, const char *name, struct buf *out)
{
    (void)name;
    (void)out;
    return utf8_valid_prefix(in);
}

static size_t decode(struct span in, const char *name, struct buf *out)
{
    struct span text;

    return charset_decode(in, name, out, &text) ? 0 : text.len;
}

static size_t sniff(struct span in, const char *name, struct buf *out)
{
    struct charset_choice choice;

    (void)name;
    (void)out;
    charset_sniff(in, SPAN_NONE, &choice);
    return (size_t)choice.name[0];
}

static size_t pairs(struct span in, const char *name, struct buf *out)
{
    (void)name;
    buf_reset(out);
    return bigram_append(in, out) ? 0 : out->len;
}

static size_t simhash(struct span in, const char *name, struct buf *out)
{
    (void)name;
    (void)out;
    return (size_t)digest_simhash(in);
}

static double best_ns(task *run, struct span in, const char *name, struct buf *out)
{
    double best = 1e18;

    for (int i = 0; i < ROUNDS; i++) {
        double start = bench_seconds(CLOCK_MONOTONIC) * 1e9, took;
        volatile size_t sink = run(in, name, out);

        (void)sink;
        took = bench_seconds(CLOCK_MONOTONIC) * 1e9 - start;
        best = MIN(best, took);
    }
    return best;
}

static void report(const char *what, const char *language, const char *name, task *run,
                   struct span in, struct buf *out)
{
    double ns = best_ns(run, in, name, out);

    printf("{\"bench\":\"charset\",\"what\":\"%s\",\"text\":\"%s\",\"encoding\":\"%s\","
           "\"gb_per_s\":%.2f}\n",
           what, language, name, (double)in.len / ns);
}

static enum err fill(struct buf *b, const char *sentence)
{
    enum err e = OK;

    buf_reset(b);
    while (!e && b->len < BODY_BYTES)
        e = buf_append(b, span_str(sentence));
    return e;
}

/* The text in a legacy encoding, decoded and recognised. */
static enum err legacy(size_t language, const char *name, struct buf *text,
                       struct buf *out)
{
    struct buf coded;
    enum err e = fill(text, sentences[language]);

    buf_init(&coded, 4 * BODY_BYTES);
    if (!e)
        e = charset_encode_query(
            name, span_slice(buf_span(text), 0, 20 * strlen(sentences[language])),
            &coded);
    e = e ? e
          : buf_reserve(&coded, BODY_BYTES); /* so that it may be appended to itself */
    while (!e && coded.len < BODY_BYTES / 2)
        e = buf_append(&coded, buf_span(&coded));
    if (!e) {
        double us = best_ns(sniff, buf_span(&coded), name, out) / 1000;

        report("decode", languages[language], name, decode, buf_span(&coded), out);
        printf(
            "{\"bench\":\"charset\",\"what\":\"detect_us\",\"text\":\"%s\",\"encoding\":\"%s\","
            "\"us\":%.0f}\n",
            languages[language], name, us);
    }
    buf_clear(&coded);
    return e;
}

int main(void)
{
    static const struct {
        size_t language;
        const char *name;
    } rows[] = { { 1, "windows-1252" },
                 { 2, "windows-1251" },
                 { 3, "gbk" },
                 { 4, "shift_jis" },
                 { 4, "euc-jp" } };
    struct buf text, out;
    enum err e = OK;

    buf_init(&text, 2 * BODY_BYTES);
    buf_init(&out, 8 * BODY_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(sentences) && !e; i++) {
        e = fill(&text, sentences[i]);
        if (e)
            break;
        report("validate", languages[i], "utf-8", validate, buf_span(&text), &out);
        report("decode", languages[i], "utf-8", decode, buf_span(&text), &out);
        report("sniff", languages[i], "utf-8", sniff, buf_span(&text), &out);
        report("pairs", languages[i], "utf-8", pairs, buf_span(&text), &out);
        report("simhash", languages[i], "utf-8", simhash, buf_span(&text), &out);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows) && !e; i++)
        e = legacy(rows[i].language, rows[i].name, &text, &out);
    buf_clear(&text);
    buf_clear(&out);
    return e ? 1 : 0;
}
