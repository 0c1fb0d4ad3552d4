# SPDX-License-Identifier: BSD-2-Clause
# reflow: `make run` tries it, `make test` proves it; `make help` lists the rest.

BUILD  ?= build
PREFIX ?= /usr/local
DESTDIR ?=
CC     ?= cc
MODE   ?= release

PACKAGES_BUILD = gcc make pkg-config libosip2-dev liblua5.4-dev libuv1-dev libsqlite3-dev libpcap-dev libssl-dev \
                 libwslay-dev libhttp-parser-dev libc-ares-dev zlib1g-dev clang lld
PACKAGES_TEST  = $(PACKAGES_BUILD) libcmocka-dev lua5.4 lua-luv lua-sec openssl baresip-core libfaketime sip-tester \
                 sqlite3 valgrind dpkg-dev netbase fail2ban groff-base iproute2 nftables chromium \
                 $(call debian_kamailio,kamailio-outbound-modules kamailio-lua-modules kamailio-sqlite-modules \
                                         kamailio-presence-modules kamailio-tls-modules kamailio-websocket-modules)
PACKAGES_LINT  = $(PACKAGES_BUILD) libcmocka-dev clang clang-format clang-tidy cppcheck lua-check lua5.4 \
                 dpkg-dev $(call debian_kamailio)
PACKAGES_KAMAILIO = gcc make pkg-config libosip2-dev liblua5.4-dev libssl-dev dpkg-dev netbase \
                    $(call debian_kamailio,kamailio-outbound-modules)
PACKAGES_KAMAILIO_TEST = $(PACKAGES_KAMAILIO) lua5.4 lua-luv sqlite3 \
                         lua-sec openssl \
                         $(call debian_kamailio,kamailio-lua-modules kamailio-sqlite-modules kamailio-tls-modules \
                                                kamailio-websocket-modules kamailio-presence-modules) patch
PACKAGES_KAMAILIO6 = debootstrap
PACKAGES_DEB = $(PACKAGES_BUILD) build-essential debhelper dpkg-dev lintian netbase kamailio
PACKAGES_TEST_DEB = debootstrap
PACKAGES_PEERS = linphone-cli chromium
PACKAGES_FUZZ  = $(PACKAGES_BUILD) libcmocka-dev clang libclang-rt-14-dev
PACKAGES_BENCH = $(PACKAGES_TEST)
PACKAGES_RUN   = $(PACKAGES_BUILD) lua5.4 lua-luv

# Debian's Kamailio is not installed where another one is in use: see tests/support/kamailio_program.sh.
debian_kamailio = $(if $(shell KAMAILIO='$(KAMAILIO)' tests/support/kamailio_program.sh --own || echo unknown),,kamailio $(1))

# Layers in the order in which they may use each other: see `make lint`.
SHARED = core base flow sip script
LAYERS = $(SHARED) call standalone cli
sources = $(sort $(wildcard module/$(1)/*.c module/$(1)/*/*.c))

# Asked for one by one: the Kamailio module needs no libuv.
CPPFLAGS += -Imodule -D_GNU_SOURCE $(foreach library,lua5.4 libuv,$(shell pkg-config --cflags $(library) 2>/dev/null))
# A newer library may deprecate what the oldest supported one needs.
WARNINGS  = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith \
            -Wno-error=deprecated-declarations
CFLAGS_release  = -O2 -g
CFLAGS_sanitize = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS_debug    = -O0 -g
CFLAGS_tsan     = -O1 -g -fsanitize=thread -fno-omit-frame-pointer
# With clang: the fuzzers, and what they link. Their main() is libFuzzer's.
CFLAGS_fuzz     = -O1 -g -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined \
                  -fno-omit-frame-pointer
OPTIMISE = $(CFLAGS_$(MODE))
REFLOW_CFLAGS = -std=c11 -fPIC -fvisibility=hidden $(WARNINGS) $(OPTIMISE) $(CFLAGS)

# What the shared layers need.
LIBS_SHARED = -losipparser2 -lcrypto
LIBS_ALL  = $(LIBS_SHARED) -llua5.4 -luv -lsqlite3 -lpcap -lssl -lwslay -lhttp_parser -lcares -lz -lm -lpthread

OBJ = $(BUILD)/$(MODE)
objects = $(patsubst %.c,$(OBJ)/%.o,$(1))
SHARED_OBJECTS = $(call objects,$(foreach layer,$(SHARED),$(call sources,$(layer))))
CALL_OBJECTS   = $(call objects,$(call sources,call))
ALL_OBJECTS    = $(call objects,$(foreach layer,$(LAYERS),$(call sources,$(layer))))
# Everything but main(): what tests link with.
TEST_OBJECTS   = $(filter-out $(OBJ)/module/cli/main.o,$(ALL_OBJECTS)) $(call objects,$(sort $(wildcard tests/support/*.c)))
UNIT_TESTS     = $(patsubst tests/unit/%.c,$(OBJ)/unit/%,$(sort $(wildcard tests/unit/test_*.c)))
FUZZERS        = $(patsubst tests/fuzz/%.c,$(OBJ)/fuzz/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
BENCHES        = $(patsubst tests/bench/%.c,$(OBJ)/bench/%,$(sort $(wildcard tests/bench/bench_*.c)))

PACKAGE_SETS   = build test peers lint fuzz bench run kamailio kamailio-test kamailio6 deb test-deb

.PHONY: all man binaries unit-tests fuzzers benches help run test test-peers valgrind demo demo-edge bench soak fuzz tsan lint rules \
        install install-files uninstall deb test-deb clean format generate $(PACKAGE_SETS:%=packages-%)
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
	$(CC) $(REFLOW_CFLAGS) $(LDFLAGS) -shared -o $@ $^ $(LIBS_SHARED) -lm -lpthread

# A test links what it uses of all objects.
$(OBJ)/tests.a: $(TEST_OBJECTS)
	@rm -f $@
	ar rcsT $@ $^

$(OBJ)/unit/%: $(OBJ)/tests/unit/%.o $(OBJ)/tests.a
	@mkdir -p $(@D)
	$(CC) $(REFLOW_CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS_ALL)

$(OBJ)/fuzz/%: $(OBJ)/tests/fuzz/%.o $(OBJ)/tests/fuzz/plan.o $(OBJ)/tests.a
	@mkdir -p $(@D)
	$(CC) $(REFLOW_CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS_ALL)

$(OBJ)/bench/%: $(OBJ)/tests/bench/%.o $(OBJ)/tests.a
	@mkdir -p $(@D)
	$(CC) $(REFLOW_CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS_ALL)

# Runs each test program: see tests/README.md. It has no sanitizer of its own.
$(BUILD)/supervise: tests/support/runner/supervise.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) -O1 -g -o $@ $<

# Network namespaces for tests/e2e/support/lab.lua. The interpreter that loads the module has no sanitizer either.
LABORATORY = $(BUILD)/lab/namespace.so $(BUILD)/lab/delay
.PHONY: laboratory
laboratory: $(LABORATORY)
$(BUILD)/lab/%.so: tests/support/lab/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -std=c11 $(WARNINGS) -O1 -g -fPIC -shared -o $@ $<

$(BUILD)/lab/%: tests/support/lab/%.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) -O1 -g -o $@ $<

$(OBJ)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests/support $(REFLOW_CFLAGS) -MMD -MP -c -o $@ $<

# What is written in Lua is carried inside the objects (.incbin), so that one file is enough to run.
$(OBJ)/module/script/base/embedded.o: $(shell find lua/reflow -name '*.lua' 2>/dev/null)

# The tests that name each rule, for `reflow explain RULE`: a list that is only written anew when it has changed.
RULE_TESTS = $(BUILD)/rule_tests.tsv
$(RULE_TESTS): tests/support/rule_tests.awk module/core/rules.def $(shell find tests -name '*.c' -o -name '*.lua')
	@mkdir -p $(@D)
	@LC_ALL=C awk -f tests/support/rule_tests.awk module/core/rules.def $$(find tests/unit tests/e2e tests/spec \
	    -name 'test_*.c' -o -name '*.lua' | LC_ALL=C sort) >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv -f $@.new $@; fi
$(OBJ)/module/cli/say/rule_tests.o: CPPFLAGS += -DRULE_TESTS='"$(RULE_TESTS)"'
$(OBJ)/module/cli/say/rule_tests.o: $(RULE_TESTS)

# What `reflow --version` prints beside the version: the commit, where there is one, and the mode.
.PHONY: build-words
$(OBJ)/build.h: build-words
	@mkdir -p $(@D)
	@commit=$$(git describe --always --dirty --exclude '*' 2>/dev/null); \
	    echo "#define REFLOW_BUILD \"$${commit:+$$commit, }$(MODE)\"" >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv -f $@.new $@; fi
$(OBJ)/module/cli/main.o: CPPFLAGS += -include $(OBJ)/build.h
$(OBJ)/module/cli/main.o: $(OBJ)/build.h

# module/core for web browsers, carried inside the program for `reflow site`: see module/wasm/README.md.
WASM = $(BUILD)/wasm/core.wasm
WASM_SOURCES = $(call sources,core) $(call sources,wasm)
WASM_EXPORTS = $(sort $(shell grep -ow 'ask_[a-z_]*' module/wasm/ask.h))
$(WASM): $(WASM_SOURCES) $(wildcard module/core/*.h module/core/*.def module/wasm/*.h module/wasm/include/*.h) Makefile
	@mkdir -p $(@D)
	clang --target=wasm32 -std=c11 -Oz -ffreestanding -fno-builtin -fvisibility=hidden -nostdlib $(WARNINGS) \
	    -Imodule/wasm/include -Imodule -Wl,--no-entry,--strip-all $(WASM_EXPORTS:%=-Wl,--export=%) -o $@.new $(WASM_SOURCES)
	@mv -f $@.new $@
$(OBJ)/module/cli/site/wasm.o: CPPFLAGS += -DWASM='"$(WASM)"'
$(OBJ)/module/cli/site/wasm.o: $(WASM)

# What was compiled is kept.
.SECONDARY: $(UNIT_TESTS:$(OBJ)/unit/%=$(OBJ)/tests/unit/%.o)

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)

# The module for the Kamailio that is installed. Its headers are not ours to lint (-isystem), its flags not ours to choose.
KSR = $(BUILD)/kamailio
# The release is build/kamailio/reflow.so; other modes have a folder of their own beside it.
KSR_OBJ = $(KSR)$(if $(filter-out release,$(MODE)),/$(MODE))
KSR_OBJECTS = $(patsubst %.c,$(KSR_OBJ)/%.o,$(call sources,kamailio))

# Asked each time, that an upgrade of Kamailio is noticed; left alone, and nothing is compiled again, where it is the same.
.PHONY: kamailio-installed
$(KSR)/flags: kamailio-installed
	@tests/support/kamailio_source.sh $(KSR)

$(KSR_OBJ)/module/kamailio/%.o: module/kamailio/%.c $(KSR)/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -isystem $(KSR)/source/src @$(KSR)/flags -std=gnu11 -fPIC -fvisibility=hidden -pthread \
	    -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wno-cast-function-type \
	    $(OPTIMISE) $(CFLAGS) -MMD -MP -c -o $@ $<

$(KSR_OBJ)/reflow.so: $(KSR_OBJECTS) $(CALL_OBJECTS) $(SHARED_OBJECTS)
	$(CC) -shared -pthread $(OPTIMISE) $(LDFLAGS) -o $@.new $^ $(LIBS_SHARED) -llua5.4 -lm && mv -f $@.new $@

-include $(shell find $(KSR_OBJ)/module -name '*.d' 2>/dev/null)

## make kamailio   build/kamailio/reflow.so for the Kamailio that is installed; Debian's is installed if there is none.
##                 For one that was built from source: KAMAILIO=PROGRAM (default: from PATH), KAMAILIO_SOURCE=FOLDER
.PHONY: kamailio install-kamailio test-kamailio6 soak-kamailio
kamailio: packages-kamailio
	@$(MAKE) -s -j$(shell nproc) --no-print-directory MODE=release $(KSR)/reflow.so
	@KAMAILIO='$(KAMAILIO)' tests/support/kamailio_fits.sh $(KSR)

## make install-kamailio  DESTDIR=: the module among Kamailio's own, its README and examples
KSR_PROGRAM = $(shell KAMAILIO='$(KAMAILIO)' tests/support/kamailio_program.sh)
KSR_MODULES ?= $(shell '$(KSR_PROGRAM)' -I 2>/dev/null | sed -n 's/^ *Default paths to modules: *\([^: ]*\).*/\1/p')
KSR_DOC = /usr/share/doc/kamailio-reflow
install-kamailio: kamailio
	@KAMAILIO='$(KAMAILIO)' tests/support/kamailio_fits.sh --strict $(KSR) >/dev/null
	@test -n "$(KSR_MODULES)" || { echo "$(KSR_PROGRAM) -I names no folder of modules: give it by KSR_MODULES=FOLDER." >&2; exit 1; }
	@rm -rf $(BUILD)/stage-kamailio
	install -d $(BUILD)/stage-kamailio$(KSR_MODULES) $(BUILD)/stage-kamailio$(KSR_DOC)/examples
	install -m 644 $(KSR)/reflow.so $(BUILD)/stage-kamailio$(KSR_MODULES)/reflow.so
	install -m 644 module/kamailio/COPYING LICENSE $(BUILD)/stage-kamailio$(KSR_DOC)
	for manual in $(wildcard module/kamailio/*.md); do module/packaging/manual_links.sh $$manual \
	    >$(BUILD)/stage-kamailio$(KSR_DOC)/$$(basename $$manual) || exit 1; done
	chmod 644 $(BUILD)/stage-kamailio$(KSR_DOC)/*.md
	install -m 644 $(wildcard examples/kamailio/*) $(BUILD)/stage-kamailio$(KSR_DOC)/examples
	module/packaging/installed.sh put $(BUILD)/stage-kamailio '$(DESTDIR)' $(KSR_DOC)/installed
	@rm -rf $(BUILD)/stage-kamailio

## make test-kamailio6 [WORDS=]  the module and its tests in Debian 13's Kamailio 6, in a chroot; as root
test-kamailio6:
	@$(if $(filter-out 0,$(shell id -u)),echo "A chroot is made by root: start it as root." >&2; exit 1,:)
	@$(MAKE) -s --no-print-directory packages-kamailio6
	@tests/support/kamailio6.sh $(KSR)6 $(WORDS)

## make run        builds and starts examples/registrar.lua on 127.0.0.1:5060, UDP and TCP; Ctrl-C ends it
run: packages-run
	@test -x $(BUILD)/reflow || echo "Building reflow."
	@$(MAKE) -s -j$(shell nproc) --no-print-directory all
	@exec env BUILD=$(BUILD) tests/support/serve.sh

## make run-kamailio  builds the module and starts Kamailio with examples/kamailio/registrar.cfg on 127.0.0.1:PORT
.PHONY: run-kamailio
run-kamailio: kamailio
	@exec env BUILD=$(BUILD) tests/support/run_kamailio.sh

## make test       everything, with the address and undefined behaviour sanitizers
test: packages-test packages-npm
	@BUILD=$(BUILD) tests/run

# An npm that is not Debian's is left alone.
.PHONY: packages-npm
packages-npm:
	@command -v npm >/dev/null || tests/support/packages.sh nodejs npm

## make test-peers the same with user agents of others alone, which it installs: baresip, SIPp, Linphone, JsSIP, SIP.js;
##                 then tables of how they authenticate, and of what each of them can do over each transport
test-peers: packages-test packages-peers packages-npm
	@BUILD=$(BUILD) tests/run peers_; status=$$?; \
	    sed -n '/^# agent /,/^1\.\./{/^#/p}' $(BUILD)/results/e2e-peers_digest_test.tap; \
	    REFLOW_BIN=$(BUILD)/sanitize/reflow lua5.4 tests/e2e/peers/matrix.lua && exit $$status

## make valgrind   the parsers' unit tests under valgrind
valgrind: packages-test
	@BUILD=$(BUILD) tests/run --memcheck

## make site       build/site: a web site about all codes, pairs of codes and rules, for a browser or a web server
.PHONY: site
site: packages-build
	@$(MAKE) -s -j$(shell nproc) --no-print-directory $(BUILD)/reflow
	@$(BUILD)/reflow site $(BUILD)/site

## make rules      every rule, the tests that name it, and how they went
rules: packages-test
	@BUILD=$(BUILD) tests/support/rules.sh

## make demo       a flow is cut, a call gets through: a few seconds on real sockets
demo: packages-run
	@$(MAKE) -s -j$(shell nproc) --no-print-directory all
	@REFLOW_BIN=$(BUILD)/reflow lua5.4 tests/e2e/demo.lua

## make demo-edge an edge crashes and comes back, a call gets through: three processes, a second
demo-edge: packages-run
	@$(MAKE) -s -j$(shell nproc) --no-print-directory all
	@REFLOW_BIN=$(BUILD)/reflow lua5.4 tests/e2e/demo_edge.lua

## make bench      the figures and what they are measured against, into tests/bench/RESULTS.md
bench: packages-bench
	@$(MAKE) -s -j$(shell nproc) --no-print-directory MODE=release all benches laboratory $(KSR)/reflow.so
	@BUILD=$(BUILD) tests/bench/run

## make lint       layers, cycles, licences, format, warnings, static analysis
lint: packages-lint
	@BUILD=$(BUILD) tests/support/lint.sh

## make fuzz       the parsers under libFuzzer with clang's sanitizers, FUZZ_SECONDS (60) each
fuzz: packages-fuzz
	@$(MAKE) -s -j$(shell nproc) --no-print-directory CC=clang MODE=fuzz fuzzers
	@BUILD=$(BUILD) tests/support/fuzz.sh $(FUZZERS:$(OBJ)/%=$(BUILD)/fuzz/%)

## make tsan       what has threads under the thread sanitizer: unit tests, and the server end to end
tsan: packages-test
	@BUILD=$(BUILD) tests/run --tsan

## make mutants    breaks each guardrail of a call in a copy of the code; the exploration of its events must find it
.PHONY: mutants
mutants: packages-test
	@BUILD=$(BUILD) tests/support/mutants.sh

## make soak       calls, dying flows and broken messages for SOAK_SECONDS (300); then every sequence of 9 events of a call
soak: packages-test
	@$(MAKE) -s -j$(shell nproc) --no-print-directory MODE=sanitize $(BUILD)/sanitize/reflow
	@$(MAKE) -s -j$(shell nproc) --no-print-directory MODE=release $(BUILD)/release/unit/test_call_explore
	@REFLOW_BIN=$(BUILD)/sanitize/reflow lua5.4 tests/e2e/standalone/soak.lua
	@REFLOW_EXPLORE_DEPTH=9 $(BUILD)/release/unit/test_call_explore

## make soak-kamailio  the same through Kamailio with the module, at full speed, for SOAK_SECONDS (600);
##                 SOAK_CONFIG=provider: with examples/kamailio/provider.cfg
soak-kamailio: packages-kamailio-test kamailio
	@BUILD=$(BUILD) lua5.4 tests/e2e/kamailio/kamailio_soak.lua

# Beside README.md, at the same places as in the source, so that the links between them work.
MANUALS = lua/README.md $(foreach folder,cli script standalone,module/$(folder)/README.md) lua/meta/REFERENCE.md \
          examples/overview.svg examples/simulate-region.svg examples/test-failover.svg

# Made of what the program prints for --help, and of the manuals.
MAN_PAGES = man1/reflow.1 man8/reflow-serve.8 man7/reflow-policy.7
$(BUILD)/man/reflow.1: $(BUILD)/reflow tests/support/man.sh tests/support/man.awk module/standalone/README.md \
    module/script/README.md lua/meta/REFERENCE.md
	@tests/support/man.sh $(BUILD)/reflow $(BUILD)/man

## make man        build/man: reflow(1), reflow-serve(8), reflow-policy(7)
man: $(BUILD)/man/reflow.1

## make install    PREFIX=/usr/local DESTDIR=: the program, the Lua module, man pages, examples and documents
install: all man
	@rm -rf $(BUILD)/stage
	@$(MAKE) -s --no-print-directory install-files DESTDIR=$(BUILD)/stage
	module/packaging/installed.sh put $(BUILD)/stage '$(DESTDIR)' $(PREFIX)/share/reflow/installed
	@rm -rf $(BUILD)/stage

## make uninstall  PREFIX=/usr/local DESTDIR=: removes what make install and make install-kamailio have installed
uninstall:
	@module/packaging/installed.sh remove '$(DESTDIR)' $(PREFIX)/share/reflow/installed $(KSR_DOC)/installed

# The same without a list of what was installed: for packages, which have one of their own.
install-files: all man
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/lua/5.4 $(DESTDIR)$(PREFIX)/share/doc/reflow \
	    $(DESTDIR)$(PREFIX)/share/reflow/examples/policies/spec $(DESTDIR)$(PREFIX)/share/reflow/meta \
	    $(DESTDIR)$(PREFIX)/share/reflow/examples/tenants/spec
	install -m 755 $(BUILD)/reflow $(DESTDIR)$(PREFIX)/bin/reflow
	install -m 644 $(BUILD)/reflow.so $(DESTDIR)$(PREFIX)/lib/lua/5.4/reflow.so
	install -m 644 $(wildcard examples/*.lua) $(DESTDIR)$(PREFIX)/share/reflow/examples
	install -m 644 $(wildcard examples/policies/*.lua) $(DESTDIR)$(PREFIX)/share/reflow/examples/policies
	install -m 644 $(wildcard examples/policies/spec/*.lua) $(DESTDIR)$(PREFIX)/share/reflow/examples/policies/spec
	install -m 644 $(wildcard examples/tenants/*.lua) $(DESTDIR)$(PREFIX)/share/reflow/examples/tenants
	install -m 644 $(wildcard examples/tenants/spec/*.lua) $(DESTDIR)$(PREFIX)/share/reflow/examples/tenants/spec
	install -m 644 $(wildcard lua/meta/*) $(DESTDIR)$(PREFIX)/share/reflow/meta
	for page in $(MAN_PAGES); do \
	    install -D -m 644 $(BUILD)/man/$${page#*/} $(DESTDIR)$(PREFIX)/share/man/$$page || exit 1; done
	install -m 644 README.md CHANGELOG.md LICENSE $(DESTDIR)$(PREFIX)/share/doc/reflow
	for manual in $(MANUALS); do install -D -m 644 $$manual $(DESTDIR)$(PREFIX)/share/doc/reflow/$$manual || exit 1; done

## make deb        Debian packages of all parts into build/deb, for the release that it runs on, and lintian's findings
deb: packages-deb
	@$(MAKE) -s --no-print-directory KAMAILIO=/usr/sbin/kamailio $(KSR)/flags
	@module/packaging/build.sh $(BUILD)/deb $(KSR)

## make test-deb   builds, installs, upgrades and purges the packages in fresh chroots of Debian 12 and 13; as root.
##                 RELEASES=bookworm takes one of them
test-deb:
	@$(if $(filter-out 0,$(shell id -u)),echo "A chroot is made by root: start it as root." >&2; exit 1,:)
	@$(MAKE) -s --no-print-directory packages-test-deb
	@tests/support/deb/test_deb.sh $(BUILD)/test-deb $(RELEASES)

$(PACKAGE_SETS:%=packages-%): packages-%:
	@tests/support/packages.sh $(PACKAGES_$(shell echo $* | tr a-z- A-Z_))

## make clean      removes what was built
clean:
	rm -rf $(BUILD)

## make generate   what editors, luacheck and readers want of module/script/engine/schema.def, into lua/meta
generate: packages-run
	@lua5.4 tests/support/schema.lua

## make format     clang-format on all C
format:
	clang-format -i $$(git ls-files '*.c' '*.h')
