// SPDX-License-Identifier: BSD-2-Clause
#include "base/random.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

int random_fill(void *out, size_t size)
{
    char *at = out;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 && errno != 0 ? -errno : -EIO;
        at += got;
        size -= (size_t)got;
    }
    return 0;
}

enum { POOL_NUMBERS = 256 };

/* In memory of its own. All zeros, as the kernel leaves it in a child, is an empty pool. */
struct random_page {
    uint32_t left;
    uint32_t numbers[POOL_NUMBERS];
};

void random_pool_create(struct random_pool *pool)
{
    void *page = mmap(NULL, sizeof *pool->page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pool->page = NULL;
    if (page == MAP_FAILED)
        return;
    if (madvise(page, sizeof *pool->page, MADV_WIPEONFORK) == 0)
        pool->page = page;
    else
        munmap(page, sizeof *pool->page);
}

void random_pool_destroy(struct random_pool *pool)
{
    if (pool->page == NULL)
        return;
    explicit_bzero(pool->page, sizeof *pool->page);
    munmap(pool->page, sizeof *pool->page);
    pool->page = NULL;
}

int random_pool_take(struct random_pool *pool, uint32_t *number)
{
    struct random_page *page = pool->page;
    if (page == NULL)
        return random_fill(number, sizeof *number);
    if (page->left == 0) {
        int error = random_fill(page->numbers, sizeof page->numbers);
        if (error != 0)
            return error;
        page->left = POOL_NUMBERS;
    }
    *number = page->numbers[--page->left];
    page->numbers[page->left] = 0;
    return 0;
}
