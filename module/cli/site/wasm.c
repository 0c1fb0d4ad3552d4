// SPDX-License-Identifier: BSD-2-Clause
#include "cli/site/wasm.h"

/* WASM is the path of the file that the Makefile makes. `make lint` compiles without it: any file will do. */
#ifndef WASM
#define WASM "LICENSE"
#endif

__asm__(".section .rodata\n"
        "site_wasm_start:\n"
        ".incbin \"" WASM "\"\n"
        "site_wasm_end:\n"
        ".byte 0\n"
        ".previous\n");
extern const char site_wasm_start[] __attribute__((visibility("hidden")));
extern const char site_wasm_end[] __attribute__((visibility("hidden")));

static const struct {
    const char *start, *end;
} core = {site_wasm_start, site_wasm_end};

struct text site_wasm(void)
{
    return (struct text){core.start, (size_t)(core.end - core.start)};
}
