// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_TEST_REPLAY_RUN_H
#define REFLOW_TEST_REPLAY_RUN_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* `reflow replay` run in this process, on files that a test makes. */

struct replay_run {
    int status;
    char *out, *err;
};

/* A file of its own below /tmp, which lives until replay_files_remove(). The path is good as long. */
const char *replay_file_make(const char *name, const void *bytes, size_t length);
const char *replay_file_text(const char *name, const char *text);
void replay_files_remove(void);

/* Words after "replay", NULL ends them. */
struct replay_run replay_run(const char *const *arguments);
/* The same, with another standard input, which it closes. */
struct replay_run replay_run_from(FILE *in, const char *const *arguments);
#define RUN(...) replay_run((const char *const[]){__VA_ARGS__, NULL})
void replay_run_destroy(struct replay_run *run);

/* A message of a call through a proxy: start line, the branch of the proxy (NULL: of the caller, alone), CSeq. */
struct sip_words {
    const char *start, *branch, *call, *cseq, *to_tag, *more; /* more: whole header lines */
};
size_t sip_write(char *out, size_t size, const struct sip_words *words);

#endif
