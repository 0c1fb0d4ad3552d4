// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_LOG_FILE_H
#define REFLOW_STANDALONE_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A file of lines that is rotated by size: FILE, before it FILE.1, up to FILE.N. Where somebody else renames or removes
 * it, a new one is begun. No line is ever written in part, a full disk among the reasons why it might be. One thread;
 * it waits for the disk.
 */

struct log_file_config {
    const char *path;   /* the caller's, for the file's life */
    uint64_t size_most; /* bytes of one file; 0: never rotated */
    uint32_t keep;      /* how many older ones stay */
};

struct log_file {
    struct log_file_config config;
    int descriptor; /* -1: could not be opened, tried again with the next line */
    bool regular;   /* else a pipe or device, which is neither rotated nor cut */
    uint64_t size;
    dev_t device;
    ino_t inode;
    uint64_t checked_ms, stuck_until_ms;
};

/* In place. 0; or the negative error of open(), and then nothing is to be destroyed. */
int log_file_create(struct log_file *file, const struct log_file_config *config);
void log_file_destroy(struct log_file *file);

/* Write whole lines. Once a second at most it is looked whether the file is still the one of that name. 0 where all
   went well; else the negative error of what did not, and *lost tells how many lines are not in the file: none where
   only the rotation failed. */
int log_file_write(struct log_file *file, const char *lines, size_t length, uint64_t now_ms, size_t *lost);

#endif
