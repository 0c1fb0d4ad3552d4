# SPDX-License-Identifier: BSD-2-Clause
# One stamp a source file: looked at again only when it, or a header that it includes, has changed.

BUILD ?= build
STAMPS = $(BUILD)/lint
SOURCES = $(sort $(wildcard module/*/*.c module/*/*/*.c tests/unit/*.c tests/support/*.c tests/support/*/*.c tests/bench/*.c tests/fuzz/*.c))
FLAGS = -std=c11 -Imodule -Itests/support -D_GNU_SOURCE $(shell pkg-config --cflags lua5.4 libuv) \
        -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith
CHECK = cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
        --suppressions-list=tests/support/cppcheck.txt -Imodule -Itests/support -D_GNU_SOURCE

# The Kamailio module is read with the headers and the flags that it is built with; its own findings alone are shown.
# cppcheck does not go into those headers: what cppcheck cannot see there is declared here. The signatures that
# Kamailio calls have no const.
$(STAMPS)/module/kamailio/%: FLAGS = -std=gnu11 -Imodule -Itests/support -D_GNU_SOURCE \
        -isystem $(BUILD)/kamailio/source/src $(shell cat $(BUILD)/kamailio/flags) $(shell pkg-config --cflags lua5.4) \
        -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wno-cast-function-type
$(STAMPS)/module/kamailio/%.ok: CHECK += -DMODULE_VERSION=
$(STAMPS)/module/kamailio/%.ok: TIDY = --checks=-readability-non-const-parameter

# The analyzer's paths are bounded, so that the whole stays under a minute from nothing.
ANALYSIS = -Xclang -analyzer-config -Xclang max-nodes=75000

# Tests are compiled with everything on and left out of the deeper analysis.
.PHONY: all objects
all: $(SOURCES:%=$(STAMPS)/%.ok)

# What tests/support/cycles.lua reads.
OBJECTS = $(patsubst %.c,$(STAMPS)/%.o,$(filter module/%,$(SOURCES)))
objects: $(OBJECTS)

# The build makes the file that this object includes; any other file gives the same symbols.
$(STAMPS)/module/cli/say/rule_tests.o: FLAGS += -DRULE_TESTS='"module/core/rules.def"'

$(STAMPS)/module/%.o: module/%.c tests/support/lint.mk
	@mkdir -p $(@D)
	@gcc $(FLAGS) -c -o $@ -MMD -MP $<

# What gcc sees only with its optimiser, the builds with -Werror tell.
$(STAMPS)/%.ok: % tests/support/lint.mk tests/support/cppcheck.txt .clang-tidy
	@mkdir -p $(@D)
	@gcc $(FLAGS) -fsyntax-only -MMD -MP -MF $(@:.ok=.d) -MT $@ $<
	@clang $(FLAGS) -fsyntax-only $<
	@case $< in module/*) \
	    clang-tidy --quiet $(TIDY) $< -- $(FLAGS) $(ANALYSIS) 2>$(@:.ok=.log) >$(@:.ok=.out) || { cat $(@:.ok=.out); exit 1; }; \
	    $(CHECK) $< ;; esac
	@touch $@

$(patsubst %,$(STAMPS)/%.ok,$(filter module/kamailio/%,$(SOURCES))) $(filter $(STAMPS)/module/kamailio/%,$(OBJECTS)): $(BUILD)/kamailio/flags

.PHONY: kamailio-installed
$(BUILD)/kamailio/flags: kamailio-installed
	@tests/support/kamailio_source.sh $(BUILD)/kamailio

-include $(shell find $(STAMPS) -name '*.d' 2>/dev/null)
