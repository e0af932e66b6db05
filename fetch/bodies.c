/* SPDX-License-Identifier: MIT */
#include "fetch/bodies.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config/mem.h"

#define MIN_REGION_BYTES ((size_t)1 << 20)
/* The largest region is 4 KiB << 25 = 128 GiB, whose table of pages takes 400 MB; one order more is what never fits. */
#define MAX_ORDERS 27
#define NO_PAGE          UINT32_MAX

/* A hint is a promise made by a stranger; more than this is not believed in advance. */
#define MAX_HINT_BYTES ((size_t)1 << 20)

/* So much freed memory is kept for the next bodies, or as much as was in use lately; above it blocks of at least
 * MIN_PUNCH_BYTES are given back. Each sweep is paid for by as many bytes freed before it. */
#define KEEP_DIRTY_BYTES ((size_t)16 << 20)
#define MIN_PUNCH_BYTES  ((size_t)64 << 10)
/* Small bodies come a buffer of libcurl's at a time: so much of a block is made ready at its first one. */
#define READY_BYTES ((size_t)16 << 10)

/* Per page of the region; meaningful where a free block begins. */
struct page_info {
    uint32_t next, prev; /* free list of the same order */
    uint8_t free_order;  /* order + 1 where a free block begins, else 0 */
};

struct bodies {
    char *base;
    size_t size;
    int fd; /* read-only: who gets it cannot map it for writing */
    int n_orders;
    size_t used;
    size_t dirty_free; /* freed and (as far as known) still backed by memory */
    size_t peak, peak_before; /* of used, in this period and in the one before */
    uint32_t free_heads[MAX_ORDERS];
    struct page_info *pages;
    uint64_t *ready; /* a bit for each page that was written since memory was last given back */
};

static size_t order_bytes(int order)
{
    return BODIES_PAGE << order;
}

/* The smallest order whose block holds n bytes. */
static int order_for(size_t n)
{
    int order = 0;

    while (order < MAX_ORDERS - 1 && order_bytes(order) < n)
        order++;
    return order;
}

static void push_free(struct bodies *b, uint32_t page, int order)
{
    uint32_t head = b->free_heads[order];

    b->pages[page] = (struct page_info){ head, NO_PAGE, (uint8_t)(order + 1) };
    if (head != NO_PAGE)
        b->pages[head].prev = page;
    b->free_heads[order] = page;
}

static void unlink_free(struct bodies *b, uint32_t page, int order)
{
    struct page_info *info = &b->pages[page];

    if (info->prev != NO_PAGE)
        b->pages[info->prev].next = info->next;
    else
        b->free_heads[order] = info->next;
    if (info->next != NO_PAGE)
        b->pages[info->next].prev = info->prev;
    info->free_order = 0;
}

static void count_used(struct bodies *b, size_t n)
{
    b->used += n;
    b->peak = MAX(b->peak, b->used);
    b->dirty_free -= MIN(b->dirty_free, n);
}

static bool take_block(struct bodies *b, int order, uint32_t *out_page)
{
    int have = order;

    while (have < b->n_orders && b->free_heads[have] == NO_PAGE)
        have++;
    if (have >= b->n_orders)
        return false;

    uint32_t page = b->free_heads[have];

    unlink_free(b, page, have);
    while (have > order) {
        have--;
        push_free(b, page + (UINT32_C(1) << have), have);
    }
    count_used(b, order_bytes(order));
    *out_page = page;
    return true;
}

static bool is_ready(const struct bodies *b, size_t page)
{
    return b->ready[page / 64] >> page % 64 & 1;
}

/* Memory for the pages that [at, at + n) of the region lies in, where there may be none yet. */
static void make_ready(struct bodies *b, size_t at, size_t n)
{
    size_t first = at / BODIES_PAGE, end = (at + n + BODIES_PAGE - 1) / BODIES_PAGE;

    while (first < end && is_ready(b, first))
        first++;
    if (first == end)
        return;
    mem_ready(b->base + first * BODIES_PAGE, (end - first) * BODIES_PAGE);
    for (; first < end; first++)
        b->ready[first / 64] |= UINT64_C(1) << first % 64;
}

/* Of a block: n is a power of two and divides first. */
static void forget_ready(struct bodies *b, size_t first, size_t n)
{
    for (; n && (first % 64 || n < 64); first++, n--)
        b->ready[first / 64] &= ~(UINT64_C(1) << first % 64);
    memset(&b->ready[first / 64], 0, n / 64 * sizeof *b->ready);
}

/* Gives the memory of large free blocks back to the kernel; their addresses stay usable. */
static void punch_free(struct bodies *b)
{
    for (int order = order_for(MIN_PUNCH_BYTES); order < b->n_orders; order++)
        for (uint32_t p = b->free_heads[order]; p != NO_PAGE; p = b->pages[p].next) {
            (void)madvise(b->base + (size_t)p * BODIES_PAGE, order_bytes(order),
                          MADV_REMOVE);
            forget_ready(b, p, (size_t)1 << order);
        }
    b->dirty_free = 0;
}

static void punch_surplus(struct bodies *b)
{
    if (b->dirty_free > KEEP_DIRTY_BYTES && b->used + b->dirty_free > MAX(b->peak, b->peak_before))
        punch_free(b);
}

static void give_block(struct bodies *b, uint32_t page, int order)
{
    b->used -= order_bytes(order);
    b->dirty_free += order_bytes(order);
    while (order < b->n_orders - 1) {
        uint32_t buddy = page ^ (UINT32_C(1) << order);

        if (b->pages[buddy].free_order != order + 1)
            break;
        unlink_free(b, buddy, order);
        page = MIN(page, buddy);
        order++;
    }
    push_free(b, page, order);
    punch_surplus(b);
}

/* Grows in place where the right-hand buddies are free. */
static bool extend_block(struct bodies *b, uint32_t page, int from, int to)
{
    for (int order = from; order < to; order++) {
        uint32_t bit = UINT32_C(1) << order;

        if (order >= b->n_orders - 1 || (page & bit) ||
            b->pages[page ^ bit].free_order != order + 1)
            return false;
    }
    for (int order = from; order < to; order++)
        unlink_free(b, page ^ (UINT32_C(1) << order), order);
    count_used(b, order_bytes(to) - order_bytes(from));
    return true;
}

static int order_of(const struct body_ref *ref)
{
    return __builtin_ctz(ref->size_pages);
}

static char *block_ptr(const struct bodies *b, uint32_t page)
{
    return b->base + (size_t)page * BODIES_PAGE;
}

static enum err reserve(struct bodies *b, struct body_ref *ref, size_t n)
{
    size_t have = (size_t)ref->size_pages * BODIES_PAGE;
    int order = order_for(n);
    uint32_t page;

    if (n <= have)
        return OK;
    if (order >= b->n_orders)
        return ERR_FULL;
    if (ref->size_pages && extend_block(b, ref->offset_pages, order_of(ref), order)) {
        ref->size_pages = UINT32_C(1) << order;
        return OK;
    }
    if (!take_block(b, order, &page))
        return ERR_FULL;
    if (ref->size_pages) {
        make_ready(b, (size_t)page * BODIES_PAGE, ref->len);
        memcpy(block_ptr(b, page), block_ptr(b, ref->offset_pages), ref->len);
        give_block(b, ref->offset_pages, order_of(ref));
    }
    ref->offset_pages = page;
    ref->size_pages = UINT32_C(1) << order;
    return OK;
}

/* A sealed memfd of this size, mapped here for writing; *out_fd reopened for reading only. */
static enum err map_region(size_t size, char **out_base, int *out_fd,
                           struct err_note *note)
{
    enum err e = OK;
    char path[32];
    void *base = MAP_FAILED;
    int read_fd = -1;
    int fd = memfd_create("crawl-bodies", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return err_set_errno(note, ERR_IO, errno,
                             "cannot create shared memory for bodies");
    if (ftruncate(fd, (off_t)size) ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
        e = err_set_errno(note, ERR_IO, errno, "cannot size shared memory of %zu bytes%s",
                          size, errno == EFBIG ? " (is ulimit -f too small?)" : "");
        goto out;
    }
    base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (base == MAP_FAILED) {
        e = err_set_errno(note, ERR_NO_MEMORY, errno,
                          "cannot map %zu bytes for bodies (is ulimit -v too small?)", size);
        goto out;
    }
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    read_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (read_fd < 0) {
        e = err_set_errno(note, ERR_IO, errno, "cannot reopen shared memory read-only");
        (void)munmap(base, size);
        goto out;
    }
    *out_base = base;
    *out_fd = read_fd;
out:
    (void)close(fd);
    return e;
}

/* A limit on the size of files holds for shared memory too. */
static size_t file_size_limit(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_FSIZE, &limit) ? SIZE_MAX : (size_t)limit.rlim_cur;
}

enum err bodies_open(size_t max_bytes, struct bodies **out, struct err_note *note)
{
    size_t size = MIN_REGION_BYTES;
    char *base = NULL;
    int fd = -1;

    max_bytes = MIN(max_bytes, file_size_limit());
    while (size <= max_bytes / 2 && order_for(size) < MAX_ORDERS - 2)
        size *= 2;

    enum err e = map_region(size, &base, &fd, note);

    if (e)
        return e;

    struct bodies *b = mem_alloc(sizeof(*b));

    b->base = base;
    b->size = size;
    b->fd = fd;
    b->n_orders = order_for(size) + 1;
    b->pages = mem_array(size / BODIES_PAGE, sizeof(*b->pages));
    b->ready = mem_array(size / BODIES_PAGE / 64 + 1, sizeof(*b->ready));
    for (int i = 0; i < MAX_ORDERS; i++)
        b->free_heads[i] = NO_PAGE;
    push_free(b, 0, b->n_orders - 1);
    *out = b;
    return OK;
}

void bodies_close(struct bodies *b)
{
    if (!b)
        return;
    (void)munmap(b->base, b->size);
    (void)close(b->fd);
    mem_free(b->ready);
    mem_free(b->pages);
    mem_free(b);
}

int bodies_fd(const struct bodies *b)
{
    return b->fd;
}

size_t bodies_size(const struct bodies *b)
{
    return b->size;
}

size_t bodies_used(const struct bodies *b)
{
    return b->used;
}

void bodies_age(struct bodies *b)
{
    b->peak_before = b->peak;
    b->peak = b->used;
    punch_surplus(b);
}

enum err bodies_append(struct bodies *b, struct body_ref *ref, struct span data,
                       size_t max)
{
    size_t room = max > ref->len ? max - ref->len : 0;
    size_t n = MIN(data.len, room);

    if (n) {
        enum err e = reserve(b, ref, ref->len + n);

        if (e)
            return e;
        make_ready(b, (size_t)ref->offset_pages * BODIES_PAGE + ref->len,
                   MAX(n, MIN(READY_BYTES, (size_t)ref->size_pages * BODIES_PAGE) - MIN(READY_BYTES, ref->len)));
        memcpy(block_ptr(b, ref->offset_pages) + ref->len, data.ptr, n);
        ref->len += n;
    }
    return n < data.len ? ERR_TOO_LARGE : OK;
}

void bodies_hint(struct bodies *b, struct body_ref *ref, size_t n)
{
    /* ERR_FULL comes again, and is handled, when the bytes do. */
    if (n && reserve(b, ref, MIN(n, MAX_HINT_BYTES)) != OK)
        return;
}

enum err bodies_reserve(struct bodies *b, struct body_ref *ref, size_t n)
{
    return reserve(b, ref, n);
}

struct span bodies_view(const struct bodies *b, const struct body_ref *ref)
{
    if (!ref->size_pages)
        return SPAN_NONE;
    return span_make(block_ptr(b, ref->offset_pages), ref->len);
}

void bodies_free(struct bodies *b, struct body_ref *ref)
{
    if (ref->size_pages)
        give_block(b, ref->offset_pages, order_of(ref));
    *ref = (struct body_ref){ 0 };
}
