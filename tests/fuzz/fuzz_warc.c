/* SPDX-License-Identifier: MIT */
/*
 * What WARC files are made of and mended from: header lines as servers send
 * them, and files that a dead writer, or anybody, left. For every input:
 * 1. A head that was framed ends at its only blank line and tells the length
 *    once, and no transfer coding.
 * 2. A scan ends, and never says that more is good than there is.
 * 3. The index takes any record: whole lines or none.
 *
 * Needs: crawler/warc_http.c crawler/warc_index.c crawler/warc_member.c
 */
#include <sys/mman.h>
#include <unistd.h>

#include "crawler/warc_http.h"
#include "crawler/warc_index.h"
#include "crawler/warc_member.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_head(struct span head)
{
    struct span blank = SPAN("\r\n\r\n");

    BUG_IF(!span_ends(head, blank) ||
           span_find_span(head, blank) != head.len - blank.len);
}

static void frame(struct span headers, int64_t payload_len, bool is_decoded)
{
    struct warc_http_answer a = { 200, SPAN("1.1"), headers, payload_len, is_decoded };
    struct buf out;
    uint64_t length;

    buf_init(&out, (size_t)64 * MIB);
    BUG_IF(warc_http_format_answer(&a, &out));
    check_head(buf_span(&out));
    if (payload_len >= 0) {
        BUG_IF(!span_parse_u64(warc_http_value(buf_span(&out), SPAN("content-length")),
                               &length));
        BUG_IF(length != (uint64_t)payload_len);
        BUG_IF(warc_http_value(buf_span(&out), SPAN("transfer-encoding")).ptr);
        BUG_IF(is_decoded &&
               warc_http_value(buf_span(&out), SPAN("content-encoding")).ptr);
    }
    buf_clear(&out);
}

static enum err on_member(void *arg, int64_t offset, int64_t length, struct span start)
{
    return offset < 0 || length <= 0
               ? ERR_INVALID
               : warc_index_add(arg, start, "x.warc.gz", offset, length);
}

static void scan(struct span file, struct warc_index *index)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    int64_t good = 0;

    BUG_IF(fd < 0 || write(fd, file.ptr, file.len) != (ssize_t)file.len);
    BUG_IF(warc_member_scan(fd, on_member, index, &good) || good > (int64_t)file.len);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = span_make((const char *)data, size);
    struct warc_index *index = warc_index_new();
    struct buf out;

    frame(input, -1, false);
    frame(input, 0, false);
    frame(input, (int64_t)size, true);
    if (size)
        scan(input, index);
    BUG_IF(warc_index_add(index, input, "x.warc.gz", 1, 2));
    buf_init(&out, (size_t)64 * MIB);
    BUG_IF(warc_http_format_request(input, input, &out));
    buf_clear(&out);
    warc_index_free(index);
    return 0;
}
