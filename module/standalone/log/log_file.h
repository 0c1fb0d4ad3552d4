// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_LOG_FILE_H
#define REFLOW_STANDALONE_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A file of lines that is rotated by size: FILE, older ones in FILE.1 to FILE.N. If somebody else renames or removes
 * it, a new one is created. A line is never written in part, also if the disk is full. One thread, which waits for the
 * disk.
 */

struct log_file_config {
    const char *path;   /* owned by the caller, valid as long as the file */
    uint64_t size_most; /* bytes of one file; 0: never rotated */
    uint32_t keep;      /* number of older files */
};

struct log_file {
    struct log_file_config config;
    int descriptor; /* -1: could not be opened; tried again with the next line */
    bool regular;   /* otherwise a pipe or device, which is neither rotated nor truncated */
    uint64_t size;
    dev_t device;
    ino_t inode;
    uint64_t checked_ms, stuck_until_ms;
};

/* Initialises in place. Returns 0, or the negative error of open(); then there is nothing to destroy. */
int log_file_create(struct log_file *file, const struct log_file_config *config);
void log_file_destroy(struct log_file *file);

/* Writes complete lines. At most once a second it checks whether the file still has its name. Returns 0, or the
   negative error; *lost is then the number of lines that are not in the file (0 if only the rotation failed). */
int log_file_write(struct log_file *file, const char *lines, size_t length, uint64_t now_ms, size_t *lost);

#endif
