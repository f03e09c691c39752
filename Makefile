# tidegate: the whole build.  `make help` lists the targets.
#
# bpf/*.bpf.c -> build/*.bpf.o -> build/*.skel.h -> build/user/*.o -> build/tidegate

VERSION := 0.1.0

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
UNITDIR ?= /lib/systemd/system
DESTDIR ?=

CC := gcc
CLANG ?= clang
BPFTOOL ?= bpftool
export PATH := $(PATH):/usr/sbin:/sbin
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wno-unused-parameter \
	-Wno-format-truncation $(if $(CI),-Werror)
HARDENING := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
LIBS := -lbpf -lelf -lz -lcurl -ljansson -lmnl -lnftables -lxxhash
CPPFLAGS_ALL := -std=gnu11 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Iinclude -Iuser -Ibuild
CFLAGS_ALL = $(CFLAGS) $(WARNINGS) $(HARDENING) $(CPPFLAGS_ALL) -MMD -MP

BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Wno-unused-parameter $(if $(CI),-Werror) \
	-I. -Iinclude -Ibpf -MMD -MP

BPF_OBJS := $(patsubst bpf/%.bpf.c,build/%.bpf.o,$(wildcard bpf/*.bpf.c))
SKELETONS := $(BPF_OBJS:.bpf.o=.skel.h)
USER_SRCS := $(wildcard user/*/*.c)
USER_OBJS := $(USER_SRCS:%.c=build/%.o)
# Everything but the part that prints, for the tests to link against.
LIB_OBJS := $(filter-out build/user/cli/%.o,$(USER_OBJS)) build/user/cli/options.o

Q := $(if $(V),,@)

.DELETE_ON_ERROR:
.PHONY: all help
all: build/tidegate build/tidegate.bash

help:
	@echo "make            build/tidegate"
	@echo "make demo       the story, on namespaces of its own (root)"
	@echo "make check      what needs no root, in a minute: style, spelling, unit tests, corpora"
	@echo "make test       every test (root)"
	@echo "make clean-room the two above on a bare Debian 12 and 13 (root), or on one: SUITES=bookworm"
	@echo "make soak       the long forms of the tests (root, hours)"
	@echo "make bench      the figures of docs/benchmark.md (root); bench-quick: under three minutes;"
	@echo "                bench-readme: what the last one measured, into it and the README"
	@echo "make install    PREFIX=$(PREFIX) DESTDIR=$(DESTDIR); uninstall takes it back"
	@echo "make format     the C as .clang-format has it"
	@echo "make coverage   what the unit tests reach, a line and build/coverage/index.html"
	@echo "make debug      build/debug/tidegate, with ASan and UBSan; make soak tests it as well"
	@echo "make compile_commands.json   for clangd and its like"
	@echo "make deps       install the Debian packages that the above need (they do it themselves)"

build/tidegate: $(USER_OBJS)
	@echo "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -pie -Wl,-z,relro,-z,now -o $@ $^ $(LIBS)

build/libtidegate.a: $(LIB_OBJS)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

build/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	@echo "  BPF   $@"
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@

# tests/run reads the names of programs and maps from these, and clang-tidy the headers.
.SECONDARY: $(BPF_OBJS) $(SKELETONS)

build/%.skel.h: build/%.bpf.o
	@echo "  SKEL  $@"
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf >$@

build/user/%.o: user/%.c | $(SKELETONS)
	@mkdir -p $(@D)
	@echo "  CC    $@"
	$(Q)$(CC) $(CFLAGS_ALL) -c $< -o $@

build/tidegate.bash: build/tidegate
	$(Q)build/tidegate completion bash >$@

# ---- tests ---------------------------------------------------------------------

UNIT_TESTS := $(patsubst tests/unit/%.c,build/tests/unit/%,$(wildcard tests/unit/test_*.c))
VERDICT_TESTS := $(patsubst tests/verdict/%.c,build/tests/verdict/%,$(wildcard tests/verdict/test_*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,build/tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_FLAGS := -g -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
	$(CPPFLAGS_ALL) -MMD -MP

build/tests/unit/%: tests/unit/%.c build/libtidegate.a
	@mkdir -p $(@D)
	@echo "  TEST  $@"
	$(Q)$(CC) $(CFLAGS_ALL) -o $@ $< build/libtidegate.a -lcmocka $(LIBS)

VERDICT_OBJS := $(patsubst tests/verdict/%.c,build/tests/verdict/%.o,\
	$(filter-out tests/verdict/test_%.c,$(wildcard tests/verdict/*.c)))
.SECONDARY: $(VERDICT_OBJS)

build/tests/verdict/%.o: tests/verdict/%.c | $(SKELETONS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -c $< -o $@

build/tests/verdict/test_%: tests/verdict/test_%.c $(VERDICT_OBJS) build/libtidegate.a
	@mkdir -p $(@D)
	@echo "  TEST  $@"
	$(Q)$(CC) $(CFLAGS_ALL) -o $@ $< $(VERDICT_OBJS) build/libtidegate.a $(LIBS)

# The same files again under the sanitizers; a fuzzer takes from them what it names.
build/fuzz/%.o: user/%.c | $(SKELETONS)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_FLAGS) -c $< -o $@

build/fuzz/libtidegate.a: $(LIB_OBJS:build/user/%=build/fuzz/%)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# The two parsers of bpf/ for the host.
build/tests/fuzz/fuzz_parse: FUZZ_FLAGS += -I. -Ibpf -Wno-unknown-attributes

build/tests/fuzz/%: tests/fuzz/%.c build/fuzz/libtidegate.a
	@mkdir -p $(@D)
	@echo "  FUZZ  $@"
	$(Q)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $< build/fuzz/libtidegate.a $(LIBS)

# ---- benchmarks ----------------------------------------------------------------

BENCH := build/tests/bench
BENCH_PROGRAMS := $(addprefix $(BENCH)/,flood cost classify_bench correct rr alternate wire)
BENCH_FUZZER := build/tests/fuzz/fuzz_classify

$(BENCH)/%.bpf.o: tests/bench/%.bpf.c
	@mkdir -p $(@D)
	@echo "  BPF   $@"
	$(Q)$(CLANG) $(BPF_CFLAGS) -Itests/bench -c $< -o $@

$(BENCH)/%: tests/bench/%.c build/libtidegate.a
	@mkdir -p $(@D)
	@echo "  BENCH $@"
	$(Q)$(CC) $(CFLAGS_ALL) -o $@ $< build/libtidegate.a $(LIBS)

$(BENCH)/flood: $(BENCH)/flood.bpf.o
$(BENCH)/cost: $(BENCH)/cost.bpf.o $(BENCH)/receiver.bpf.o
$(BENCH)/classify_bench: $(BENCH)/classify_bench.bpf.o
$(BENCH)/wire: $(BENCH)/wire.bpf.o

.PHONY: bench bench-quick bench-readme bench-programs
bench-programs: all e2e-helpers $(BENCH_PROGRAMS)

# A second make, because the first one was read before the packages were there.
bench-quick: BENCH_OPTIONS := --quick
bench bench-quick:
	tests/deps build test bench
	$(MAKE) bench-programs $(if $(BENCH_OPTIONS),,$(BENCH_FUZZER))
	tests/bench/run $(BENCH_OPTIONS)

# What the last run measured, into docs/benchmark.md, README.md and tests/bench/figures.
bench-readme:
	tests/bench/readme.py build/bench.json build/bench docs/benchmark.md README.md

# ---- the next version --------------------------------------------------------------

# The same by another name, and with two lines of bpf/count.h the other way round, so that the
# programs in the kernel are others: what the test of an upgrade upgrades to.  A number in .rodata
# would not do: a program's tag, by which the gate sees that it is another, is of its instructions.
NEXT := build/next
# What is not the same in it: what names the version or holds a program.
NEXT_OBJS := $(patsubst %.c,$(NEXT)/%.o,$(shell grep -lE '\bVERSION\b|\.skel\.h"' $(USER_SRCS)))

$(NEXT)/bpf/%: bpf/%
	@mkdir -p $(@D)
	$(Q)sed '/counter->packets += /{h;d}; /counter->bytes += /G' $< >$@

$(NEXT)/%.bpf.o: $(NEXT)/bpf/%.bpf.c $(patsubst %,$(NEXT)/%,$(wildcard bpf/*.h))
	$(Q)$(CLANG) $(BPF_CFLAGS:-Ibpf=-I$(<D)) -c $< -o $@

$(NEXT)/%.skel.h: $(NEXT)/%.bpf.o
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf >$@

$(NEXT)/user/%.o: user/%.c | $(SKELETONS:build/%=$(NEXT)/%)
	@mkdir -p $(@D)
	$(Q)$(CC) $(subst $(VERSION),$(VERSION)+next,$(CFLAGS_ALL:-Ibuild=-I$(NEXT))) -c $< -o $@

$(NEXT)/tidegate: $(NEXT_OBJS) $(filter-out $(NEXT_OBJS:$(NEXT)/%=build/%),$(USER_OBJS))
	@echo "  NEXT  $@"
	$(Q)$(CC) $(LDFLAGS) -pie -Wl,-z,relro,-z,now -o $@ $^ $(LIBS)

# ---- the version before ------------------------------------------------------------

# The last builds with other layouts of maps: what the tests of an upgrade across layouts upgrade
# from.  See tests/e2e/layouts/README.
LAYOUTS := 6 7

build/layout-%/tidegate: tests/e2e/layouts/layout-%.tar.xz
	@echo "  OLD   $@"
	$(Q)rm -rf $(@D) && mkdir -p $(@D)/source && tar -xJf $< -C $(@D)/source
	$(Q)$(MAKE) -s -C $(@D)/source CI= build/tidegate >/dev/null
	$(Q)cp $(@D)/source/build/tidegate $@ && rm -r $(@D)/source

# ---- what reads the sources ----------------------------------------------------------

comma := ,
define newline


endef

# A line "FILE COMMAND..." for each C file; sed makes JSON of it.
TEST_SRCS := $(wildcard tests/unit/*.c tests/verdict/*.c)
compile_commands.json: Makefile $(USER_SRCS) $(TEST_SRCS) $(wildcard bpf/*.bpf.c)
	$(file >$@.new,$(foreach file,$(USER_SRCS) $(TEST_SRCS),$(file) $(CC) $(CFLAGS_ALL) -c$(newline))$\
	$(foreach file,$(wildcard bpf/*.bpf.c),$(file) $(CLANG) $(BPF_CFLAGS) -c$(newline)))
	$(Q)sed -nE 's/["\\]/\\&/g; s|^ *([^ ]+) (.*)|{ "directory": "$(CURDIR)", "file": "\1", "command": "\2 \1" }|p' \
		$@.new | sed '1s/^/[ /; $$!s/$$/,/; $$s/$$/ ]/' >$@
	$(Q)rm $@.new

# An object is new when its source or a header is.
TIDY := $(USER_SRCS:%.c=build/tidy/%.ok) $(patsubst %.bpf.c,build/tidy/%.bpf.ok,$(wildcard bpf/*.bpf.c))
.PHONY: tidy format
tidy: $(TIDY)

build/tidy/user/%.ok: build/user/%.o .clang-tidy | compile_commands.json
	@mkdir -p $(@D)
	@echo "  TIDY  user/$*.c"
	$(Q)clang-tidy-19 --quiet --extra-arg=-Wno-unknown-warning-option -p . user/$*.c && touch $@

build/tidy/bpf/%.ok: build/%.o .clang-tidy | compile_commands.json
	@mkdir -p $(@D)
	@echo "  TIDY  bpf/$*.c"
	$(Q)clang-tidy-19 --quiet -p . bpf/$*.c && touch $@

format:
	clang-format-19 -i $(wildcard bpf/*.[ch] include/*.h user/*/*.[ch] tests/*.[ch] tests/*/*.[ch])

# ---- other builds of it ------------------------------------------------------------------

# $(call variant,NAME,FLAGS): objects, tidegate and the unit tests in build/NAME with other flags.
define variant
build/$(1)/user/%.o: user/%.c | $(SKELETONS)
	@mkdir -p $$(@D)
	$(Q)$(CC) $(2) -g $(WARNINGS) $(CPPFLAGS_ALL) -MMD -MP -c $$< -o $$@

build/$(1)/tidegate: $(USER_OBJS:build/%=build/$(1)/%)
	@echo "  LINK  $$@"
	$(Q)$(CC) $(2) -o $$@ $$^ $(LIBS)

build/$(1)/libtidegate.a: $(LIB_OBJS:build/%=build/$(1)/%)
	$(Q)rm -f $$@ && $(AR) rcs $$@ $$^

build/$(1)/tests/unit/%: tests/unit/%.c build/$(1)/libtidegate.a
	@mkdir -p $$(@D)
	@echo "  TEST  $$@"
	$(Q)$(CC) $(2) -g $(WARNINGS) $(CPPFLAGS_ALL) -MMD -MP -o $$@ $$< build/$(1)/libtidegate.a -lcmocka $(LIBS)
endef
$(eval $(call variant,debug,-O1 -fno-omit-frame-pointer -fsanitize=address$(comma)undefined -fno-sanitize-recover=all))
$(eval $(call variant,coverage,-O0 --coverage))
DEBUG_TESTS := $(UNIT_TESTS:build/%=build/debug/%)
COVERAGE_TESTS := $(UNIT_TESTS:build/%=build/coverage/%)

.PHONY: debug debug-tests coverage
debug: build/debug/tidegate

# The e2e tests ask for what is in the tree's own build as well.
debug-tests: debug $(DEBUG_TESTS) programs
	$(Q)mkdir -p build/debug/tests && ln -sfn ../../tests/e2e build/debug/tests/e2e
	tests/debug

coverage: $(COVERAGE_TESTS)
	$(Q)find build/coverage -name '*.gcda' -delete
	$(Q)for test in $(COVERAGE_TESTS); do \
		$$test >build/coverage/log 2>&1 || { cat build/coverage/log; echo "$$test failed"; exit 1; }; \
	done
	$(Q)gcovr --root . --object-directory build/coverage --filter user/ --html-details build/coverage/index.html \
		--txt build/coverage/summary.txt
	$(Q)awk '/^TOTAL/ { print "user/: " $$4 " of " $$2 " lines, build/coverage/index.html" }' \
		build/coverage/summary.txt

.PHONY: deps programs check-programs check test clean-room soak demo e2e-helpers
deps:
	tests/deps build check test

check-programs: all $(UNIT_TESTS) $(FUZZERS) compile_commands.json

# Installs nothing; says what is missing.
check: check-programs
	tests/run unit fuzz lint house

programs: all $(UNIT_TESTS) $(VERDICT_TESTS) $(FUZZERS) $(BENCH_PROGRAMS) $(NEXT)/tidegate $(LAYOUTS:%=build/layout-%/tidegate) \
	e2e-helpers compile_commands.json

e2e-helpers:
	$(Q)tests/e2e/images/make

# A second make, because the first one was read before the packages were there.
test:
	tests/deps build test
	$(MAKE) programs
	tests/run

# What .ci/run does.
clean-room:
	tests/clean-room $(SUITES)

soak:
	tests/deps build test
	$(MAKE) programs
	TIDEGATE_SOAK=1 TIDEGATE_TIME_LIMIT=7200 tests/run
	$(MAKE) debug-tests

demo:
	tests/deps build demo
	$(MAKE) all e2e-helpers
	tests/demo

# ---- install -------------------------------------------------------------------

INSTALL := install
# In all of these the places of the others are filled in.
FILL := sed 's|@SBINDIR@|$(PREFIX)/sbin|g; s|@SHAREDIR@|$(PREFIX)/share/tidegate|g'
SCRIPTS := tidegate-crowdsec tidegate-fetch
OTHER_UNITS := tidegate-fetch@.service tidegate-fetch@.timer tidegate-metrics.socket tidegate-metrics@.service tidegate-textfile.timer \
	tidegate-textfile.service

.PHONY: install uninstall clean
install: all
	$(INSTALL) -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSCONFDIR)/tidegate/fetch \
		$(DESTDIR)$(PREFIX)/share/man/man8 $(DESTDIR)$(PREFIX)/share/man/man5 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions
	$(INSTALL) -m 755 build/tidegate $(DESTDIR)$(PREFIX)/sbin/tidegate
	for script in $(SCRIPTS); do \
		$(FILL) dist/$$script >$(DESTDIR)$(PREFIX)/sbin/$$script && \
		chmod 755 $(DESTDIR)$(PREFIX)/sbin/$$script || exit 1; \
	done
	for unit in tidegate.service $(OTHER_UNITS); do \
		$(FILL) dist/$$unit >$(DESTDIR)$(UNITDIR)/$$unit && \
		chmod 644 $(DESTDIR)$(UNITDIR)/$$unit || exit 1; \
	done
	for kind in fetch prometheus; do \
		$(INSTALL) -d $(DESTDIR)$(PREFIX)/share/tidegate/$$kind && \
		$(INSTALL) -m 644 dist/$$kind/* $(DESTDIR)$(PREFIX)/share/tidegate/$$kind || exit 1; \
	done
	[ -e $(DESTDIR)$(SYSCONFDIR)/tidegate/tidegate.conf ] || \
		$(INSTALL) -m 644 dist/tidegate.conf $(DESTDIR)$(SYSCONFDIR)/tidegate/tidegate.conf
	$(INSTALL) -m 644 man/tidegate.8 $(DESTDIR)$(PREFIX)/share/man/man8/tidegate.8
	$(INSTALL) -m 644 man/tidegate.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5/tidegate.conf.5
	$(INSTALL) -m 644 build/tidegate.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/tidegate

# The configuration stays: it is the operator's.
uninstall:
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/sbin/,tidegate $(SCRIPTS)) \
		$(addprefix $(DESTDIR)$(UNITDIR)/,tidegate.service $(OTHER_UNITS)) \
		$(DESTDIR)$(PREFIX)/share/man/man8/tidegate.8 \
		$(DESTDIR)$(PREFIX)/share/man/man5/tidegate.conf.5 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/tidegate
	rm -rf $(DESTDIR)$(PREFIX)/share/tidegate

clean:
	rm -rf build

# But of programs that were renamed: their source is what cannot be made.
GONE := $(filter-out $(BPF_OBJS:%.o=%.d) $(BPF_OBJS:build/%.o=$(NEXT)/%.d),\
	$(wildcard build/*.bpf.d $(NEXT)/*.bpf.d))
-include $(filter-out $(GONE),\
	$(shell find build -path build/clean-room -prune -o -name '*.d' -print 2>/dev/null))
