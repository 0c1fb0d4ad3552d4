# SPDX-License-Identifier: BSD-2-Clause
# reflow: `make run` tries it, `make test` proves it; `make help` lists the rest.

BUILD  ?= build
PREFIX ?= /usr/local
DESTDIR ?=
CC     ?= cc
MODE   ?= release

PACKAGES_BUILD = gcc make pkg-config libosip2-dev liblua5.4-dev libuv1-dev libsqlite3-dev
PACKAGES_TEST  = $(PACKAGES_BUILD) libcmocka-dev lua5.4 lua-luv sip-tester sqlite3 valgrind
PACKAGES_LINT  = $(PACKAGES_BUILD) libcmocka-dev clang clang-format clang-tidy cppcheck lua-check lua5.4
PACKAGES_BENCH = $(PACKAGES_TEST) kamailio kamailio-outbound-modules

# Layers in the order in which they may use each other: see `make lint`.
SHARED = core flow sip script
LAYERS = $(SHARED) standalone cli
sources = $(sort $(wildcard module/$(1)/*.c))

CPPFLAGS += -Imodule -D_GNU_SOURCE $(shell pkg-config --cflags lua5.4 libuv 2>/dev/null)
WARNINGS  = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith
CFLAGS_release  = -O2 -g
CFLAGS_sanitize = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS_debug    = -O0 -g
OPTIMISE = $(CFLAGS_$(MODE))
REFLOW_CFLAGS = -std=c11 -fPIC -fvisibility=hidden $(WARNINGS) $(OPTIMISE) $(CFLAGS)

LIBS_SIP  = -losipparser2
LIBS_ALL  = $(LIBS_SIP) -llua5.4 -luv -lsqlite3 -lm -lpthread

OBJ = $(BUILD)/$(MODE)
objects = $(patsubst %.c,$(OBJ)/%.o,$(1))
SHARED_OBJECTS = $(call objects,$(foreach layer,$(SHARED),$(call sources,$(layer))))
ALL_OBJECTS    = $(call objects,$(foreach layer,$(LAYERS),$(call sources,$(layer))))
# Everything but main(): what tests link with.
TEST_OBJECTS   = $(filter-out $(OBJ)/module/cli/main.o,$(ALL_OBJECTS)) $(call objects,$(sort $(wildcard tests/support/*.c)))
UNIT_TESTS     = $(patsubst tests/unit/%.c,$(OBJ)/unit/%,$(sort $(wildcard tests/unit/test_*.c)))
FUZZERS        = $(patsubst tests/fuzz/%.c,$(OBJ)/fuzz/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
BENCHES        = $(patsubst tests/bench/%.c,$(OBJ)/bench/%,$(sort $(wildcard tests/bench/bench_*.c)))

.PHONY: all binaries help run test demo bench soak fuzz lint rules install clean format packages-%
all: $(BUILD)/reflow $(BUILD)/reflow.so

help:
	@sed -n 's/^## //p' Makefile

## make            build/reflow and build/reflow.so, optimised
binaries: $(OBJ)/reflow $(OBJ)/reflow.so unit-tests
unit-tests: $(UNIT_TESTS)
fuzzers: $(FUZZERS)
benches: $(BENCHES)

$(BUILD)/reflow $(BUILD)/reflow.so: $(BUILD)/%: $(OBJ)/%
	@cp -f $< $@.new && mv -f $@.new $@

$(OBJ)/reflow: $(ALL_OBJECTS)
	$(CC) $(REFLOW_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_ALL)

$(OBJ)/reflow.so: $(SHARED_OBJECTS)
	$(CC) $(REFLOW_CFLAGS) $(LDFLAGS) -shared -o $@ $^ $(LIBS_SIP) -lm -lpthread

$(OBJ)/unit/%: $(OBJ)/tests/unit/%.o $(TEST_OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(REFLOW_CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS_ALL)

$(OBJ)/fuzz/%: $(OBJ)/tests/fuzz/%.o $(TEST_OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(REFLOW_CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS_ALL)

$(OBJ)/bench/%: $(OBJ)/tests/bench/%.o $(TEST_OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(REFLOW_CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS_ALL)

$(OBJ)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests/support $(REFLOW_CFLAGS) -MMD -MP -c -o $@ $<

# What is written in Lua is carried inside the objects (.incbin), so that one file is enough to run.
$(OBJ)/module/script/embedded.o: $(shell find lua/reflow -name '*.lua' 2>/dev/null)

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)

clean:
	rm -rf $(BUILD)

format:
	clang-format -i $$(git ls-files '*.c' '*.h')
