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
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wno-unused-parameter \
	-Wno-format-truncation $(if $(CI),-Werror)
HARDENING := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
LIBS := -lbpf -lelf -lz -lcurl -ljansson -lmnl
CPPFLAGS_ALL := -std=gnu11 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Iinclude -Ibuild
CFLAGS_ALL = $(CFLAGS) $(WARNINGS) $(HARDENING) $(CPPFLAGS_ALL) -MMD -MP

BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Wno-unused-parameter $(if $(CI),-Werror) \
	-I. -Iinclude -Ibpf -MMD -MP

BPF_OBJS := $(patsubst bpf/%.bpf.c,build/%.bpf.o,$(wildcard bpf/*.bpf.c))
SKELETONS := $(BPF_OBJS:.bpf.o=.skel.h)
USER_SRCS := $(wildcard user/*.c)
USER_OBJS := $(USER_SRCS:%.c=build/%.o)
# Everything but the printing part, for the tests to link against.
LIB_OBJS := $(filter-out build/user/main.o build/user/cmd_%.o,$(USER_OBJS))

Q := $(if $(V),,@)

.DELETE_ON_ERROR:
.PHONY: all clean help
all: build/tidegate

build/tidegate: $(USER_OBJS)
	@echo "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -pie -Wl,-z,relro,-z,now -o $@ $^ $(LIBS)

build/libtidegate.a: $(LIB_OBJS)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

build/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	@echo "  BPF   $@"
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@

build/%.skel.h: build/%.bpf.o
	@echo "  SKEL  $@"
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf >$@

build/user/%.o: user/%.c | $(SKELETONS)
	@mkdir -p $(@D)
	@echo "  CC    $@"
	$(Q)$(CC) $(CFLAGS_ALL) -c $< -o $@

# ---- tests ---------------------------------------------------------------------

UNIT_TESTS := $(patsubst tests/unit/%.c,build/tests/unit/%,$(wildcard tests/unit/test_*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,build/tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_FLAGS := -g -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

build/tests/unit/%: tests/unit/%.c build/libtidegate.a
	@mkdir -p $(@D)
	@echo "  TEST  $@"
	$(Q)$(CC) $(CFLAGS_ALL) -Iuser -o $@ $< build/libtidegate.a -lcmocka $(LIBS)

# The pure files again, under the sanitizers.
PURE := config prefix conffile inventory policy image log
build/fuzz/%.o: user/%.c
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_FLAGS) $(CPPFLAGS_ALL) -MMD -MP -c $< -o $@

build/tests/fuzz/%: tests/fuzz/%.c $(PURE:%=build/fuzz/%.o)
	@mkdir -p $(@D)
	@echo "  FUZZ  $@"
	$(Q)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer $(CPPFLAGS_ALL) -Iuser -MMD -MP -o $@ $< \
		$(PURE:%=build/fuzz/%.o)

clean:
	rm -rf build

-include $(shell find build -name '*.d' 2>/dev/null)
