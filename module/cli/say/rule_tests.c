// SPDX-License-Identifier: BSD-2-Clause
#include "cli/say/rule_tests.h"

#include <string.h>

/* RULE_TESTS is the path of the list that the Makefile makes. `make lint` compiles without it: any file will do. */
#ifndef RULE_TESTS
#define RULE_TESTS "LICENSE"
#endif

__asm__(".section .rodata\n"
        "rule_tests_start:\n"
        ".incbin \"" RULE_TESTS "\"\n"
        "rule_tests_end:\n"
        ".byte 0\n"
        ".previous\n");
extern const char rule_tests_start[] __attribute__((visibility("hidden")));
extern const char rule_tests_end[] __attribute__((visibility("hidden")));

static const struct {
    const char *start, *end;
} list = {rule_tests_start, rule_tests_end};

/* The text up to a character, which is passed over; *at is moved behind it. */
static struct text cut(const char **at, char end)
{
    const char *stop = memchr(*at, end, (size_t)(list.end - *at));
    struct text text = {*at, (size_t)((stop != NULL ? stop : list.end) - *at)};
    *at = stop != NULL ? stop + 1 : list.end;
    return text;
}

void rule_tests_each(struct text rule, bool (*visit)(void *context, const struct rule_test *test), void *context)
{
    const char *at = list.start;
    while (at < list.end) {
        struct text id = cut(&at, '\t');
        struct rule_test test = {.file = cut(&at, '\t')};
        test.name = cut(&at, '\n');
        if (text_equal(id, rule) && !visit(context, &test))
            return;
    }
}
