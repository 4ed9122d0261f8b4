/* The step protocol (docs/protocol.md) for generated C and C++ programs.
 * Nothing here allocates; the slot is written with one system call. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#if __GLIBC_PREREQ(2, 33)
#define MEMCASE_HAS_MALLINFO2 1
#endif
#endif

enum {
    memcase_collects = 1, memcase_malloc = 16, memcase_full = 32, memcase_trims = 64
};

static struct {
    uint32_t version, flags;
    uint64_t heap, blocks, external, in_use, iterations, reserved[2];
} memcase_slot;

static int memcase_read_fd, memcase_write_fd, memcase_slot_fd, memcase_trim;
static long memcase_batch;

static int memcase_number(const char *name, int otherwise) {
    const char *value = getenv(name);
    return value && *value ? atoi(value) : otherwise;
}

static void memcase_begin(void) {
    memcase_read_fd = memcase_number("MEMCASE_READ_FD", 3);
    memcase_write_fd = memcase_number("MEMCASE_WRITE_FD", 4);
    memcase_slot_fd = memcase_number("MEMCASE_SLOT_FD", -1);
    memcase_trim = memcase_number("MEMCASE_TRIM", 1);
    memcase_batch = memcase_number("MEMCASE_BATCH", 1);
    fcntl(memcase_read_fd, F_SETFD, FD_CLOEXEC);
    fcntl(memcase_write_fd, F_SETFD, FD_CLOEXEC);
    fcntl(memcase_slot_fd, F_SETFD, FD_CLOEXEC);
}

/* Trims, counts, publishes and answers. There is nothing to collect: every reading
 * of a C allocator is the truth, so each one counts as full. */
static void memcase_answer(void) {
    memcase_slot.version = 1;
    memcase_slot.flags = memcase_collects | memcase_full;
#ifdef __GLIBC__
    if (memcase_trim) {
        malloc_trim(0);
        memcase_slot.flags |= memcase_trims;
    }
#endif
#ifdef MEMCASE_HAS_MALLINFO2
    {
        struct mallinfo2 info = mallinfo2();
        memcase_slot.in_use = info.uordblks + info.hblkhd;
        memcase_slot.flags |= memcase_malloc;
    }
#endif
    if (memcase_slot_fd >= 0 && pwrite(memcase_slot_fd, &memcase_slot, 64, 0) != 64)
        _exit(70);
    if (write(memcase_write_fd, "\n", 1) != 1)
        _exit(70);
}

/* Iterations to run before the next answer; 0 at the end. */
static long memcase_turn(void) {
    char order;
    for (;;) {
        ssize_t got = read(memcase_read_fd, &order, 1);
        if (got < 0 && errno == EINTR)
            continue; /* a signal that the snippet handles */
        if (got != 1)
            return 0;
        if (order == '\n')
            return memcase_batch;
        if (order == '2') {
            memcase_batch *= 2;
        } else if (order != 'c') {
            fprintf(stderr, "memcase: the order %d is not known\n", order);
            _exit(70);
        }
        memcase_answer();
    }
}
