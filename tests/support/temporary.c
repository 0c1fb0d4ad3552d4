// SPDX-License-Identifier: BSD-2-Clause
#include "temporary.h"

#include <stdio.h>
#include <stdlib.h>

void temporary_path(char *path, size_t size, const char *name)
{
    const char *folder = getenv("TMPDIR");
    int length = snprintf(path, size, "%s/%s", folder != NULL ? folder : "/tmp", name);
    if (length < 0 || (size_t)length >= size) {
        fprintf(stderr, "TMPDIR is too long: %s\n", path);
        abort();
    }
}
