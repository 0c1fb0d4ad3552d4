// SPDX-License-Identifier: BSD-2-Clause
#include "plan.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void seed_write(const char *folder, size_t number, struct text text)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/seed-%zu", folder, number);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(text.at, 1, text.length, file) != text.length || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *folder = getenv("REFLOW_FUZZ_SEEDS");
    (void)argc;
    (void)argv;
    if (fuzz_target.begin != NULL)
        fuzz_target.begin();
    for (size_t i = 0; folder != NULL && i < fuzz_target.count && fuzz_target.texts[i].at != NULL; i++)
        seed_write(folder, i, fuzz_target.texts[i]);
    if (folder != NULL)
        exit(0);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *problem = fuzz_target.exercise((const char *)data, size);
    if (problem != NULL) {
        fprintf(stderr, "%s\n", problem);
        abort();
    }
    return 0;
}
