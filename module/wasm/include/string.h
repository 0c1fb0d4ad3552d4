// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_WASM_STRING_H
#define REFLOW_WASM_STRING_H

#include <stddef.h>

/* What module/core uses of the C library, which WebAssembly does not have. The meaning is that of C11 7.24. */
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
int strcmp(const char *a, const char *b);
size_t strlen(const char *string);

#endif
