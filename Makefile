# `make help` lists the targets. MODE=release|debug|asan|tsan|cov picks the build; objects of each mode stay apart.
MODE   ?= release
CC     ?= gcc
VERSION := 0.1.0
RELEASED := 2026-11-21

# Where `make install` puts things, all of it under DESTDIR where that is given.
PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
MANDIR  ?= $(PREFIX)/share/man
DOCDIR  ?= $(PREFIX)/share/doc/crawl
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR  ?= $(PREFIX)/share/zsh/site-functions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d
UNITDIR ?= $(PREFIX)/lib/systemd/system

B := build/$(MODE)
FOLDERS := config parse fetch store crawler
SRC := $(foreach d,$(FOLDERS),$(wildcard $(d)/*.c))
ARCH := $(shell uname -m)
ASM := $(wildcard fetch/switch_$(ARCH).S)
OBJ := $(SRC:%.c=$(B)/%.o) $(ASM:%.S=$(B)/%.o)
LIB_OBJ := $(filter-out $(B)/crawler/main.o,$(OBJ))
TEST_SRC := $(foreach d,$(FOLDERS) flow,$(wildcard tests/$(d)/test_*.c))
KIT_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tests/kit/*.c))
TESTS := $(TEST_SRC:%.c=$(B)/%)
BENCHES := $(patsubst %.c,$(B)/%,$(wildcard tests/bench/bench_*.c))
SHIM := $(B)/tests/faults/shim.so
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

UNITS := crawl@.service crawl@.timer
DOCS := README.md CHANGELOG.md SECURITY.md LICENSE $(wildcard docs/*.md)
EXAMPLES := $(wildcard packaging/*.example)

PKGS := libcurl libcares libxml-2.0 sqlite3 icu-uc icu-i18n libpsl zlib libdeflate libzstd libbrotlidec libxxhash libpcre2-8 \
  libseccomp jansson libssl libcrypto
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
ifeq ($(PKG_LIBS)$(filter help clean,$(MAKECMDGOALS)),)
  $(error libraries are missing: sh tests/setup.sh installs them on Debian; pkg-config --print-errors --exists $(PKGS) names them)
endif
LIB_CFLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(PKGS) 2>/dev/null))
# The loader looks every symbol up in the order of these: those that have most come first, a seventh of a start.
LIBS := -lcrypto -lc -lsqlite3 -Wl,--as-needed $(PKG_LIBS) -lpthread -lm
TEST_LIBS := $(shell pkg-config --libs cmocka 2>/dev/null)

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
  -Wmissing-declarations -Wredundant-decls -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla \
  -Wformat=2 -Wconversion -Wdouble-promotion -Wunused-result
GCC_WARN := -Wimplicit-fallthrough=5 -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Walloca
ifneq ($(findstring gcc,$(shell $(CC) --version 2>/dev/null | head -1)),)
  WARN += $(GCC_WARN)
endif
ifdef WERROR
  WARN += -Werror
endif
CFLAGS_release := -O3 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fPIE -fstack-protector-strong -fstack-clash-protection
CFLAGS_debug := -O0 -g
CFLAGS_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS_tsan := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
CFLAGS_cov := -O0 -g --coverage
LDFLAGS_release := -pie -Wl,-z,relro,-z,now,-z,noexecstack
LDFLAGS_asan := -fsanitize=address,undefined
LDFLAGS_tsan := -fsanitize=thread
LDFLAGS_cov := --coverage
ALL_CFLAGS := -std=c17 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I. -I$(B)/gen -DCRAWL_VERSION='"$(VERSION)"' \
  -DCRAWL_RELEASED='"$(RELEASED)"' -include config/banned.h -fno-common $(CPPFLAGS) $(WARN) $(LIB_CFLAGS) $(CFLAGS_$(MODE)) $(CFLAGS)
# cmocka 2 wants other names for assertions, which cmocka 1 lacks.
$(B)/tests/%.o: ALL_CFLAGS += -DCMOCKA_DISABLE_DEPRECATION_WARNINGS
ALL_LDFLAGS := $(LDFLAGS_$(MODE)) $(LDFLAGS)

Q := $(if $(V),,@)

# All cores, unless the caller says otherwise.
ifeq ($(filter -j%,$(MAKEFLAGS)),)
  MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 1)
endif

.PHONY: all analyze asan runtime runtime-tsan faults soak soak-kill fuzz install uninstall install-test conformance test cron-test demo lint bench bench-scale clean help
all: build/crawl ## build build/crawl

build/crawl: $(B)/crawl
	$(Q)mkdir -p build && ln -f $< $@

$(B)/crawl: $(OBJ)
	$(Q)echo "  LINK $@"; $(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(B)/libcrawl.a: $(LIB_OBJ)
	$(Q)rm -f $@; ar rcs $@ $^

$(B)/%.o: %.c
	$(Q)mkdir -p $(@D); echo "  CC   $<"; $(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/%.o: %.S
	$(Q)mkdir -p $(@D); echo "  AS   $<"; $(CC) -I. -c -o $@ $<

$(B)/tests/%: $(B)/tests/%.o $(KIT_OBJ) $(B)/libcrawl.a
	$(Q)echo "  LINK $@"; $(CC) $(ALL_LDFLAGS) -o $@ $< $(KIT_OBJ) $(B)/libcrawl.a $(LIBS) $(TEST_LIBS)

# Loaded into the program by tests that make the machine fail; so it has none of our code in it.
$(SHIM): tests/faults/shim.c tests/faults/shim.h
	$(Q)mkdir -p $(@D); echo "  SO   $@"; $(CC) -std=c17 -D_GNU_SOURCE -I. $(WARN) -Wno-redundant-decls -Wno-missing-prototypes -Wno-missing-declarations -O2 -g -fPIC -shared -o $@ $< -ldl

# The migrations and the views become byte arrays sql_0001 ... and sql_views in the program.
$(B)/gen/schema_sql.inc: $(wildcard store/migrations/*.sql)
	$(Q)mkdir -p $(@D); for f in $^; do n=$$(basename $$f .sql | cut -d_ -f1); echo "static const char sql_$$n[] = {"; \
	  od -An -v -tx1 $$f | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g'; echo "0 };"; done > $@

$(B)/store/schema.o: $(B)/gen/schema_sql.inc

# docs/schema.md is the text of crawl-schema(7).
$(B)/gen/schema_md.inc: docs/schema.md
	$(Q)mkdir -p $(@D); { echo "static const char schema_md[] = {"; \
	  od -An -v -tx1 $< | sed 's/ \([0-9a-f][0-9a-f]\)/(char)0x\1,/g'; echo "0 };"; } > $@

$(B)/crawler/handbook.o: $(B)/gen/schema_md.inc

# The style sheet of crawl report.
$(B)/gen/report_css.inc: crawler/report.css
	$(Q)mkdir -p $(@D); { echo "static const char report_css[] = {"; \
	  od -An -v -tx1 $< | sed 's/ \([0-9a-f][0-9a-f]\)/(char)0x\1,/g'; echo "0 };"; } > $@

$(B)/crawler/report_style.o: $(B)/gen/report_css.inc

RUN_TESTS := $(if $(T),$(B)/tests/$(dir $(T))test_$(notdir $(T)),$(TESTS))
test: $(RUN_TESTS) $(SHIM) $(B)/crawl $(B)/tests/flow/serve ## all tests, or T=parse/url for one module
	$(Q)sh tests/run.sh $(RUN_TESTS)

# The man pages and completions are printed by the program; the units name the place where it will be.
install: $(B)/crawl ## put crawl, its man pages, completions, units and docs under PREFIX (DESTDIR is honoured)
	install -D -m 755 $(B)/crawl $(DESTDIR)$(BINDIR)/crawl
	$(Q)rm -rf $(B)/man && mkdir -p $(B)/man && for p in $$($(B)/crawl --man list); do \
	  $(B)/crawl --man $$p > $(B)/man/$$p && \
	  install -D -m 644 $(B)/man/$$p $(DESTDIR)$(MANDIR)/man$${p##*.}/$$p || exit 1; done
	ln -sf crawl.1 $(DESTDIR)$(MANDIR)/man1/crawl-run.1
	$(Q)for s in bash zsh fish; do $(B)/crawl --completion $$s > $(B)/man/$$s || exit 1; done
	install -D -m 644 $(B)/man/bash $(DESTDIR)$(BASHDIR)/crawl
	install -D -m 644 $(B)/man/zsh $(DESTDIR)$(ZSHDIR)/_crawl
	install -D -m 644 $(B)/man/fish $(DESTDIR)$(FISHDIR)/crawl.fish
	$(Q)for u in $(UNITS); do sed 's|/usr/bin/crawl|$(BINDIR)/crawl|' packaging/systemd/$$u > $(B)/man/$$u && \
	  install -D -m 644 $(B)/man/$$u $(DESTDIR)$(UNITDIR)/$$u || exit 1; done
	install -d $(DESTDIR)$(DOCDIR)/examples
	install -m 644 $(DOCS) $(DESTDIR)$(DOCDIR)
	install -m 644 $(EXAMPLES) $(DESTDIR)$(DOCDIR)/examples

uninstall: $(B)/crawl ## remove what install put there
	$(Q)for p in $$($(B)/crawl --man list); do rm -f $(DESTDIR)$(MANDIR)/man$${p##*.}/$$p; done
	rm -f $(DESTDIR)$(MANDIR)/man1/crawl-run.1 $(DESTDIR)$(BINDIR)/crawl $(DESTDIR)$(BASHDIR)/crawl $(DESTDIR)$(ZSHDIR)/_crawl $(DESTDIR)$(FISHDIR)/crawl.fish
	rm -f $(UNITS:%=$(DESTDIR)$(UNITDIR)/%)
	rm -rf $(DESTDIR)$(DOCDIR)

install-test: $(B)/crawl ## install into a temporary folder, check what is there, uninstall
	$(Q)sh tests/flow/install.sh $(B)

conformance: build/crawl ## third-party cases, where ../shared is present
	@if [ -f ../shared/conformance/run.py ]; then python3 ../shared/conformance/run.py build/crawl \
	  ../shared/conformance --log build/conformance.jsonl; else echo "no cases here"; fi

demo: build/crawl $(B)/tests/flow/serve ## crawl a small site of our own on loopback and ask the database
	$(Q)sh tests/flow/demo.sh build/crawl $(B)/tests/flow/serve

cron-test: build/crawl $(B)/tests/flow/serve ## ten runs by a cron daemon of its own while the site (SITES=FILE: sites of yours) changes: 12 minutes, root
	$(Q)sh tests/flow/cron.sh build/crawl $(B)/tests/flow/serve cron

lint: $(OBJ) $(B)/crawl ## layers, libraries, headers alone, exported names, lengths, hardening
	$(Q)sh tests/lint/layers.sh && sh tests/lint/libraries.sh && sh tests/lint/symbols.sh $(B) && \
	  sh tests/lint/lengths.sh && sh tests/lint/hardening.sh $(B)/crawl && CC="$(CC)" LINT_CFLAGS="$(LIB_CFLAGS) -I$(B)/gen" sh tests/lint/headers.sh

analyze: $(OBJ) ## gcc -fanalyzer, cppcheck and clang-tidy over the program: ten minutes
	$(Q)CC="$(lastword $(CC))" sh tests/lint/analyze.sh $(B) "$(LIB_CFLAGS)"

asan: ## all tests under AddressSanitizer and UBSan
	$(Q)$(MAKE) MODE=asan test

# The coroutine runtime under ThreadSanitizer and valgrind: what a wrong switch shows in first.
RUNTIME := stack coro sched sched_wait group sync sync_channel loop loop_time
runtime: $(RUNTIME:%=$(B)/tests/fetch/test_%) ## the runtime's tests under TSan and valgrind
	$(Q)$(MAKE) MODE=tsan runtime-tsan
	$(Q)for t in $(RUNTIME); do valgrind -q --error-exitcode=9 $(B)/tests/fetch/test_$$t || exit 1; done

runtime-tsan: $(RUNTIME:%=$(B)/tests/fetch/test_%)
	$(Q)sh tests/run.sh $(RUNTIME:%=$(B)/tests/fetch/test_%)

fuzz: ## each fuzz target for S seconds (60) with clang; F=url for one
	$(Q)sh tests/fuzz/run.sh "$(F)" "$(or $(S),60)" "$(LIB_CFLAGS)" "$(LIBS)"

bench-scale: $(B)/tests/bench/bench_scale $(B)/crawl ## a database of N pages with L links each (1000000, 20): how it answers
	$(Q)BENCH_CRAWL=$(B)/crawl $< $(or $(N),1000000) $(or $(L),20)

faults: $(B)/tests/faults/sweep $(SHIM) $(B)/crawl ## a small crawl for every call that can fail, or F=NUMBER of one fault
	$(Q)$(B)/tests/faults/sweep $(or $(F),-1)

soak-kill: $(B)/tests/faults/soak_kill $(B)/crawl ## a crawl killed 200 times (KILLS=N), then judged by its server
	$(Q)$(B)/tests/faults/soak_kill $(or $(KILLS),200)

soak: $(B)/tests/faults/soak $(SHIM) $(B)/crawl ## an hour (MINUTES=N) over 10,000 hosts (HOSTS=N, DELAY=ms) with errors, a stop and a wrong clock
	$(Q)$(B)/tests/faults/soak $(or $(MINUTES),60) $(or $(PAGES),1000000) $(or $(DELAY),5000) $(or $(HOSTS),10000)

bench: $(BENCHES) $(B)/crawl ## the benchmarks, one JSON line each, then each figure's ratio to the run before
	$(Q)BENCH_CRAWL=$(B)/crawl sh tests/bench/run.sh build/bench $(BENCHES)

help: ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/\t/' | expand -t 16

clean: ## remove build/
	rm -rf build

.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
