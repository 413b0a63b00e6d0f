# hpx: make for experiments. `make help` lists the targets.
#
# Objects go to $(BUILD); header dependencies come from the compiler; libraries are found by pkg-config.

ifeq ($(origin CC),default)
CC = gcc
endif
BUILD ?= build
# One name for one folder, for the compiler's dependencies name their targets by it: relative, if it lies below.
folder := $(subst //:,,$(subst //:./,//:,$(subst //:$(CURDIR)/,//:,//:$(BUILD))))
quote = '$(subst ','\'',$(1))'
ifeq ($(words $(folder))$(strip $(foreach c,: % ; & | ' " * ? [ ] ~ \ ( ) < >,$(findstring $(c),$(folder)))),1)
override BUILD := $(patsubst %/,%,$(folder))
else
# make takes a blank for the end of a name: a folder with one in its name is reached through a link beside this file.
override BUILD := $(shell link=.build-$$(printf %s $(call quote,$(folder)) | cksum | cut -d' ' -f1) && mkdir -p $(call quote,$(folder)) && \
	ln -sfn "$$(cd $(call quote,$(folder)) && pwd -P)" $$link && echo $$link)
ifeq ($(BUILD),)
$(error cannot make the folder BUILD=$(folder), or a link to it here)
endif
endif
PREFIX ?= /usr/local
VERSION = $(shell sed -n 's/.*HPX_VERSION "\(.*\)"/\1/p' include/hpx/version.h)
CFLAGS ?= -O2 -g
WERROR ?=

# `make V=1` shows the whole commands.
ifeq ($(V),)
say = @echo "  $(1)  $(patsubst $(BUILD)/%,%,$@)";
else
say =
endif

# What hpx is linked with. libgit2 and libcurl are loaded by the commands that need them (src/code/git.h, src/base/curl.h).
PACKAGES = lmdb libxxhash openblas zlib libsodium
REQUIRED = $(PACKAGES) libgit2 libcurl cmocka

# The sources of each trainer, which decide its numbers: their git tree id is the code version in its results' identity.
# Flags that could change a rounding belong to it too, so they are fixed here and recorded in the numerics.
TRAINERS = mlp cnn
# What all networks share is in each of their lists.
SOURCES_network = $(addprefix src/nn/,activation.c activation.h checkpoint.c checkpoint.h matrix.c matrix.h matrix_kernel.h mlp.c \
	mlp.h model.h numerics.c numerics.h optimizer.c optimizer.h options.c options.h path.c path.h samples.h softmax.c softmax.h \
	sparse.c sparse.h sparse_kernel.h training.c training.h vector.c vector.h) \
	$(addprefix src/trainer/,calibration.c images.c images.h learning.c learning.h) src/data/dataset.c src/data/idx.c include/hpx/dataset.h \
	include/hpx/idx.h src/base/random.c src/base/random.h
SOURCES_mlp = $(SOURCES_network) $(addprefix src/nn/,mlp_model.c mlp_model.h mlp_options.c mlp_options.h) src/trainer/mlp.c
SOURCES_cnn = $(SOURCES_network) $(addprefix src/nn/,cnn.c cnn.h cnn_model.c cnn_model.h cnn_options.c cnn_options.h \
	convolution.c convolution.h convolution_kernel.h) src/trainer/cnn.c
# What these use of the others cannot change a number: it carries values, text and bytes. A test links each trainer from
# its list and these alone, and reads which headers they include.
NEUTRAL_SOURCES = include/hpx.h $(addprefix include/hpx/,blob.h buffer.h error.h fields.h file.h hash.h input.h metrics.h setting.h sources.h \
	trainer.h training.h) $(addprefix src/base/,blob.c buffer.c error.c fields.c file.c hash.c memory.c memory.h metrics.c print.c setting.c text.c text.h) \
	src/data/gzip.c src/data/gzip.h src/data/shape.c src/trainer/trainers.h
# What a build is made of: these files are kept in the store, and the dirty flag and the patch cover them.
BUILD_SOURCES = Makefile src include tools
NN_FLAGS = -O3 -ffp-contract=off -fno-math-errno -fno-trapping-math

WARNINGS = -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wformat=2 -Wvla -Wno-missing-field-initializers \
	-Werror=implicit-function-declaration -Werror=int-conversion -Werror=incompatible-pointer-types $(WERROR)
HPX_CPPFLAGS = -D_GNU_SOURCE -Iinclude -Isrc $(PACKAGE_CFLAGS) $(CPPFLAGS)
HPX_CFLAGS = -std=c11 $(WARNINGS) $(CFLAGS)

# Nothing below needs the packages for help, deps and clean.
ifneq ($(filter-out help deps clean uninstall,$(or $(MAKECMDGOALS),all)),)
ifneq ($(MAKECMDGOALS),demo)
# OpenBLAS for one thread, where Debian has it beside others: a trial uses one, and the others start with every command.
serial := /usr/lib/$(shell $(CC) -print-multiarch 2>/dev/null)/openblas-serial/pkgconfig
pkg_config := PKG_CONFIG_PATH="$$PKG_CONFIG_PATH:$(serial)" pkg-config
MISSING := $(shell command -v pkg-config >/dev/null 2>&1 || echo pkg-config; \
	for p in $(REQUIRED); do $(pkg_config) --exists $$p 2>/dev/null || echo $$p; done; \
	test -e /usr/include/Random123/philox.h || echo Random123)
ifneq ($(MISSING),)
ifeq ($(filter demo check,$(MAKECMDGOALS)),)
$(error missing: $(MISSING). Install them with: make deps)
endif
endif
PACKAGE_CFLAGS := $(shell $(pkg_config) --cflags $(PACKAGES) libgit2 libcurl 2>/dev/null)
PACKAGE_LIBS := $(shell $(pkg_config) --libs $(PACKAGES) 2>/dev/null) -ldl
CMOCKA_LIBS := $(shell $(pkg_config) --libs cmocka 2>/dev/null)
endif
endif

# Not position independent: OpenBLAS's tables of kernels would be relocated at each start.
HPX_LDFLAGS = -no-pie $(LDFLAGS)

# hpx itself takes its libraries from their archives (libNAME.a), where there are any: to load and relocate shared ones
# takes longer than a build that finds everything stored, and so it also keeps the BLAS that it was tested with.
# STATIC=no links the shared ones. LMDB stays shared: src/store/crash.c knows its crashes by where it is mapped.
STATIC = yes
archive = $(firstword $(wildcard $(patsubst -L%,%/lib$(1).a,$(filter -L%,$(PACKAGE_LIBS)))) \
	$(filter /%,$(shell $(CC) -print-file-name=lib$(1).a)) -l$(1))
ifeq ($(STATIC),yes)
HPX_LIBS = $(foreach word,$(PACKAGE_LIBS),$(if $(filter-out -llmdb,$(filter -l%,$(word))),$(call archive,$(word:-l%=%)),$(word)))
else
HPX_LIBS = $(PACKAGE_LIBS)
endif

LIB_SOURCES := $(sort $(filter-out src/cli/%,$(wildcard src/*/*.c)))
CLI_SOURCES := $(sort $(wildcard src/cli/*.c))
TEST_SOURCES := $(sort $(wildcard tests/unit/test_*.c tests/num/test_*.c tests/model/test_*.c tests/fault/test_*.c))
FUZZ_SOURCES := $(sort $(wildcard tests/fuzz/fuzz_*.c))
HELPER_SOURCES := $(sort $(wildcard tests/helper/*.c))
FAULT_SOURCES := $(sort $(wildcard tests/fault/fault_*.c))
BENCH_SOURCES := $(sort $(wildcard bench/*.c))
CLI_TEST_SOURCES := $(sort $(wildcard tests/cli/*.c)) # programs that command tests use
PRELOAD_SOURCES := $(sort $(wildcard tests/fault/preload_*.c))

object = $(patsubst %.c,$(BUILD)/%.o,$(1))
LIB_OBJECTS := $(call object,$(LIB_SOURCES))
CLI_OBJECTS := $(call object,$(CLI_SOURCES)) $(BUILD)/help-texts.o
HELPER_OBJECTS := $(call object,$(HELPER_SOURCES))
TESTS := $(patsubst %.c,$(BUILD)/%,$(TEST_SOURCES)) $(TRAINERS:%=$(BUILD)/tests/link/%)
CLI_TEST_PROGRAMS := $(patsubst %.c,$(BUILD)/%,$(CLI_TEST_SOURCES))
FUZZ_REPLAYS := $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/tests/fuzz/replay_%,$(FUZZ_SOURCES))
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/fuzz/fuzz_%,$(FUZZ_SOURCES))

FAULT_PROGRAMS := $(patsubst %.c,$(BUILD)/%,$(FAULT_SOURCES)) $(patsubst %.c,$(BUILD)/%.so,$(PRELOAD_SOURCES))

LIB = $(BUILD)/libhpx.a
HPX = $(BUILD)/hpx
LIBRARY = $(BUILD)/library/libhpx.a
# One of the manual pages stands for all of them.
MAN = $(BUILD)/man/hpx.1

.PHONY: all deps demo check check-asan check-threads check-valgrind check-mutation check-fault torture fault-programs bench study study-train fuzz lint format install uninstall deb check-deb clean help
.DELETE_ON_ERROR:
.SECONDARY:

all: $(HPX) $(MAN) ## build hpx, libhpx.a and the manual pages in build/

deps: ## install what is missing, through apt
	@sh tools/deps.sh

demo: ## install, build, fetch MNIST, run recipes/mnist-partial.rcp on it and write build/report.html
	@sh tools/deps.sh
	@$(MAKE) --no-print-directory all
	$(BUILD)/hpx build recipes/mnist-partial.rcp
	$(BUILD)/hpx report recipes/mnist-partial.rcp -o $(BUILD)/report.html
	@echo "Open $(BUILD)/report.html in a browser."

$(BUILD)/src/nn/%.o: HPX_CFLAGS += $(NN_FLAGS) -DHPX_NN_FLAGS='"$(strip $(CFLAGS) $(NN_FLAGS))"'

# The arithmetic of searches, statistics and figures is the same everywhere.
$(BUILD)/src/search/%.o $(BUILD)/src/compare/%.o $(BUILD)/src/statistics/%.o $(BUILD)/src/svg/%.o $(BUILD)/src/page/%.o: HPX_CFLAGS += -ffp-contract=off

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC  )$(CC) $(HPX_CPPFLAGS) $(HPX_CFLAGS) -MMD -MP -c $< -o $@

# The stamp tool reads the repository, so it runs at every make; its output changes only when the stamp does.
STAMP_OBJECTS := $(call object,$(filter-out $(foreach trainer,$(TRAINERS),$(SOURCES_$(trainer))),\
	$(filter src/base/% src/code/%,$(LIB_SOURCES))) tools/stamp.c)

$(BUILD)/stamp-tool: $(STAMP_OBJECTS)
	$(call say,LINK)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(PACKAGE_LIBS) -lm -o $@

STAMP_ENVIRONMENT = ASAN_OPTIONS=detect_leaks=0
STAMP = $(STAMP_ENVIRONMENT) $(BUILD)/stamp-tool
STAMPED = "$$(pwd -P)" "$(BUILD_SOURCES)" $(foreach trainer,$(TRAINERS),$(trainer) "$(SOURCES_$(trainer))")
.PHONY: stamp
stamp: $(BUILD)/stamp-tool
	@$(STAMP) $(BUILD)/stamp.c $(STAMPED)

$(BUILD)/stamp.c: stamp ;

# A source that is edited while it is compiled would give results the version of another: sources are stamped before
# they are compiled, and the stamp must hold when all are.
$(filter-out $(STAMP_OBJECTS),$(LIB_OBJECTS)): | stamp

# The style and the script of a report's page, as arrays of bytes.
$(BUILD)/page-files.c: tools/embed.sh src/page/page.css src/page/page.js
	@mkdir -p $(@D)
	@sh tools/embed.sh hpx_page_style src/page/page.css hpx_page_script src/page/page.js >$@

# What help and the manual pages say, one text behind the other.
HELP_TEXTS := $(sort $(wildcard src/cli/help/*.txt))
$(BUILD)/help-texts.c: tools/embed.sh $(HELP_TEXTS)
	@mkdir -p $(@D)
	@awk 'FNR == 1 { sub(".*/", "", FILENAME); print "== " substr(FILENAME, 1, length(FILENAME) - 4) } { print }' $(HELP_TEXTS) >$(@:.c=.txt)
	@sh tools/embed.sh hpx_help_texts $(@:.c=.txt) >$@

# What is made is compiled alike.
MADE_OBJECTS = $(BUILD)/stamp.o $(BUILD)/page-files.o
$(MADE_OBJECTS) $(BUILD)/help-texts.o: %.o: %.c
	$(call say,CC  )$(CC) $(HPX_CPPFLAGS) $(HPX_CFLAGS) -c $< -o $@

$(LIB): $(LIB_OBJECTS) $(MADE_OBJECTS)
	$(call say,AR  )rm -f $@ && $(AR) rcs $@ $^

$(HPX): $(CLI_OBJECTS) $(LIB)
	$(call say,LINK)$(CC) $(CFLAGS) $(HPX_LDFLAGS) $^ $(HPX_LIBS) -lm -o $@
	@$(STAMP) --check $(BUILD)/stamp.c $(STAMPED)

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(HELPER_OBJECTS) $(LIB)
	$(call say,LINK)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(PACKAGE_LIBS) $(CMOCKA_LIBS) -lm -o $@

# The manual pages, from the tables and texts of the help.
$(BUILD)/man-tool: $(BUILD)/tools/man.o $(filter-out %/main.o,$(CLI_OBJECTS)) $(LIB)
	$(call say,LINK)$(CC) $(CFLAGS) $(HPX_LDFLAGS) $^ $(HPX_LIBS) -lm -o $@

$(MAN): $(BUILD)/man-tool
	@mkdir -p $(@D)
	$(call say,MAN )rm -f $(@D)/* && $(STAMP_ENVIRONMENT) $< $(@D)

# Each trainer, linked from its list and the neutral sources alone.
define link_rule
$(BUILD)/tests/link/$(1): tests/link/link.c $(call object,$(filter %.c,$(SOURCES_$(1)) $(NEUTRAL_SOURCES))) $(BUILD)/stamp.o
	@mkdir -p $$(@D)
	$$(call say,LINK)$(CC) $$(HPX_CPPFLAGS) $$(HPX_CFLAGS) -DTRAINER=hpx_trainer_$(1) $$(LDFLAGS) $$^ $$(PACKAGE_LIBS) -lm -o $$@
endef
$(foreach trainer,$(TRAINERS),$(eval $(call link_rule,$(trainer))))

# hpx with a trainer of the tests' own.
$(BUILD)/tests/trainer/hpx: $(BUILD)/tests/trainer/quadratic.o $(CLI_OBJECTS) $(LIB)
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(CFLAGS) $(HPX_LDFLAGS) $^ $(HPX_LIBS) -lm -o $@

# Programs that measure, and those that they use.
$(BUILD)/bench/%: $(BUILD)/bench/%.o $(LIB)
	$(call say,LINK)$(CC) $(CFLAGS) $(HPX_LDFLAGS) $^ $(HPX_LIBS) -lm -o $@

# The owner of a pool, whose workers are played as in the tests.
$(BUILD)/bench/cluster: $(BUILD)/tests/helper/fleet.o

# The rival of the training benchmark that a user would compile for the processor at hand, or for one with AVX2.
$(BUILD)/bench/train_plain.o: HPX_CFLAGS += -O3 -march=native -ffast-math -Wno-conversion
$(BUILD)/bench/train_plain_avx2.o: HPX_CFLAGS += -O3 -march=x86-64-v3 -ffast-math -Wno-conversion
$(BUILD)/bench/train_plain_avx2.o: bench/train_plain.c Makefile
	@mkdir -p $(@D)
	$(call say,CC  )$(CC) $(HPX_CPPFLAGS) $(HPX_CFLAGS) -c $< -o $@

# The first line of what needs a tool that `make deps` does not install.
needs = @command -v $(1) >/dev/null || { echo "make: $(1) is missing; install it with: sh tools/deps.sh $(1)" >&2; exit 1; }

# Fuzz entries: `check` replays the corpus through the ordinary build; `make fuzz` runs libFuzzer on each.
$(BUILD)/tests/fuzz/replay_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/replay.o $(LIB)
	$(call say,LINK)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(PACKAGE_LIBS) -lm -o $@

FUZZ_SECONDS ?= 60
FUZZ_FLAGS = -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined

$(BUILD)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(LIB_SOURCES) $(wildcard include/hpx/*.h) $(MADE_OBJECTS:.o=.c)
	$(call needs,clang)
	@mkdir -p $(@D)
	$(call say,FUZZ)clang -std=c11 $(HPX_CPPFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer '-DHPX_NN_FLAGS="fuzz"' $< $(LIB_SOURCES) \
		$(MADE_OBJECTS:.o=.c) $(PACKAGE_LIBS) -lm -o $@

fuzz: $(FUZZERS) ## run libFuzzer (clang) on every entry, FUZZ_SECONDS each
	@for f in $(FUZZERS); do name=$${f##*/fuzz_}; mkdir -p $(BUILD)/fuzz/corpus-$$name; echo "fuzz $$name"; \
		$$f -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		$(BUILD)/fuzz/corpus-$$name tests/fuzz/corpus/$$name || exit 1; done

check-programs: $(HPX) $(MAN) $(LIBRARY) $(BUILD)/tests/trainer/hpx $(BUILD)/bench/study/study $(TESTS) $(CLI_TEST_PROGRAMS) $(FUZZ_REPLAYS) \
	$(BUILD)/tests/fault/preload_far.so
.PHONY: check-programs

check: ## all tests, under ten minutes on two cores
	@sh tools/deps.sh
	@$(MAKE) --no-print-directory check-programs
	@BUILD=$(BUILD) sh tests/run.sh $(TESTS) $(FUZZ_REPLAYS)

SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=undefined
check-asan: ## all tests again under AddressSanitizer and UndefinedBehaviorSanitizer
	@LSAN_OPTIONS="suppressions='$$(pwd -P)/tests/lsan.txt':print_suppressions=0" KILL_IMAGES=300 \
		$(MAKE) --no-print-directory BUILD=$(BUILD)/asan CFLAGS="-O1 -g -fno-omit-frame-pointer $(SANITIZE)" check

check-threads: ## the library in several threads, under ThreadSanitizer
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/tsan CFLAGS="-O1 -g -fsanitize=thread" $(BUILD)/tsan/tests/unit/test_api
	@TSAN_OPTIONS=exitcode=66 $(BUILD)/tsan/tests/unit/test_api

# Programs and preloaded libraries of the fault tests.
$(BUILD)/tests/fault/fault_%: $(BUILD)/tests/fault/fault_%.o $(BUILD)/tests/fault/numbered.o $(BUILD)/tests/helper/bytes.o $(LIB)
	$(call say,LINK)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(PACKAGE_LIBS) -lm -o $@

$(BUILD)/tests/fault/preload_%.so: tests/fault/preload_%.c Makefile
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(HPX_CPPFLAGS) $(HPX_CFLAGS) -fPIC -shared $< -ldl -o $@

fault-programs: $(HPX) $(FAULT_PROGRAMS)

check-mutation: $(HPX) ## edits of the trainer, each built: no result that comes out otherwise may be adopted
	@sh tools/deps.sh
	@bash tests/mutation/run.sh

FAULT_PACKAGES = strace e2fsprogs mount
check-fault: ## kills, failing writes, full disks, flipped bits, lost memory; numbers to build/fault-results.txt
	@sh tools/deps.sh $(FAULT_PACKAGES)
	@$(MAKE) --no-print-directory fault-programs
	@BUILD=$(BUILD) bash tests/fault/run.sh

torture: ## the same in larger sizes, for hours
	@sh tools/deps.sh $(FAULT_PACKAGES)
	@$(MAKE) --no-print-directory fault-programs
	@BUILD=$(BUILD) bash tests/fault/run.sh --torture

# Benchmarks: bench/NAME.sh measures, programs in bench/*.c help.
BENCH ?=
VECTOR ?=
bench: $(HPX) $(patsubst %.c,$(BUILD)/%,$(BENCH_SOURCES)) $(BUILD)/bench/train_plain_avx2 ## speed beside its targets; BENCH="train start" for some, VECTOR=avx2
	@BUILD=$(BUILD) bash bench/run.sh $(if $(VECTOR),--vector $(VECTOR)) $(BENCH)

study-train: $(HPX) ## train what bench/tables lacks of the study: 9 to 40 minutes a seed
	@HPX=$(HPX) bash bench/study/train.sh

# The study: a program of its own, from all of bench/study.
STUDY_SOURCES := $(sort $(wildcard bench/study/*.c))
$(call object,$(STUDY_SOURCES)): HPX_CFLAGS += -ffp-contract=off
$(BUILD)/bench/study/study: $(call object,$(STUDY_SOURCES)) $(LIB)
	$(call say,LINK)$(CC) $(CFLAGS) $(HPX_LDFLAGS) $^ $(HPX_LIBS) -lm -o $@

study: $(BUILD)/bench/study/study ## docs/STUDY.md and its figures, from bench/tables
	$(BUILD)/bench/study/study bench/study bench/tables docs

check-valgrind: $(HPX) ## no leak in small builds and their workers; how many instructions an epoch takes
	@sh tools/deps.sh valgrind
	@BUILD=$(BUILD) bash tests/valgrind.sh

lint: $(HPX) ## formatting, static analysis, names, and includes that follow the layer table
	@BUILD=$(BUILD) sh tools/lint.sh

format: ## format the sources in place
	$(call needs,clang-format)
	clang-format -i $(LIB_SOURCES) $(CLI_SOURCES) $(TEST_SOURCES) $(FUZZ_SOURCES) $(HELPER_SOURCES) $(FAULT_SOURCES) \
		$(CLI_TEST_SOURCES) $(PRELOAD_SOURCES) tests/fault/numbered.c tests/link/link.c tests/trainer/quadratic.c \
		$(wildcard include/*.h include/hpx/*.h src/*/*.h tests/*/*.h tests/fuzz/replay.c tools/*.c bench/*.c bench/study/*.[ch] examples/*/*.c)

# The library that is installed: one object, of what the functions of hpx.h need, with no other global names.
$(LIBRARY): $(LIB) include/hpx.h Makefile
	@mkdir -p $(@D)
	@sed -nE '/^typedef/d; s/^[a-z].*[ *](hpx_[a-z_]+)\(.*/\1/p' include/hpx.h >$(@D)/names
	$(call say,AR  )$(LD) -r $$(sed 's/^/-u /' $(@D)/names) $(LIB) -o $(@D)/hpx.o && \
		objcopy --keep-global-symbols=$(@D)/names $(@D)/hpx.o && rm -f $@ && $(AR) rcs $@ $(@D)/hpx.o

# Any characters may be in these names.
INSTALLED_IN = $(call quote,$(PREFIX)) $(call quote,$(DESTDIR))
install: $(HPX) $(MAN) $(LIBRARY) ## install to PREFIX (default /usr/local), below DESTDIR
	@sh tools/install.sh install $(BUILD) $(VERSION) '$(PACKAGES)' $(INSTALLED_IN)

uninstall: ## remove what install put there
	@sh tools/install.sh uninstall $(INSTALLED_IN)

deb: $(HPX) $(MAN) $(LIBRARY) ## Debian packages, in build/deb
	@CC="$(CC)" sh tools/deb.sh $(BUILD) $(VERSION) '$(PACKAGES)'

check-deb: deb ## the packages installed, run and purged in a clean Debian
	@BUILD=$(BUILD) bash tests/deb.sh

clean: ## remove build/; cache/ with the store stays
	rm -rf $(call quote,$(folder)) $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 18

-include $(shell find $(BUILD)/ -name '*.d' -type f 2>/dev/null)
