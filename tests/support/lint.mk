# SPDX-License-Identifier: BSD-2-Clause
# One stamp a source file: looked at again only when it, or a header that it includes, has changed.

BUILD ?= build
STAMPS = $(BUILD)/lint
SOURCES = $(sort $(wildcard module/*/*.c tests/unit/*.c tests/support/*.c tests/bench/*.c tests/fuzz/*.c))
FLAGS = -std=c11 -Imodule -Itests/support -D_GNU_SOURCE $(shell pkg-config --cflags lua5.4 libuv) \
        -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith
CHECK = cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
        --suppressions-list=tests/support/cppcheck.txt -Imodule -Itests/support -D_GNU_SOURCE

# The analyzer's paths are bounded, so that the whole stays under a minute from nothing.
ANALYSIS = -Xclang -analyzer-config -Xclang max-nodes=75000

# Tests are compiled with everything on and left out of the deeper analysis.
.PHONY: all
all: $(SOURCES:%=$(STAMPS)/%.ok)

# What gcc sees only with its optimiser, the builds with -Werror tell.
$(STAMPS)/%.ok: % tests/support/lint.mk tests/support/cppcheck.txt .clang-tidy
	@mkdir -p $(@D)
	@gcc $(FLAGS) -fsyntax-only -MMD -MP -MF $(@:.ok=.d) -MT $@ $<
	@clang $(FLAGS) -fsyntax-only $<
	@case $< in module/*) \
	    clang-tidy --quiet $< -- $(FLAGS) $(ANALYSIS) 2>$(@:.ok=.log) >$(@:.ok=.out) || { cat $(@:.ok=.out); exit 1; }; \
	    $(CHECK) $< ;; esac
	@touch $@

-include $(shell find $(STAMPS) -name '*.d' 2>/dev/null)
