# rcq: a batch scheduler inside PostgreSQL.
#
#   make            extension (PGXS), command, executor, handlers and simulator (CMake, under build/)
#   make install    all of them, into the PostgreSQL that PG_CONFIG names (as root)
#   make demo       from a fresh machine to real jobs running; make stop ends it, make reset removes its state
#   make check      every test suite; closes with 'N passed, N failed'
#   make unit       the unit tests of core, executor, client, handlers and simulator alone; make unit-sanitize under ASan and UBSan
#   make fuzz       what strangers could write, into the decoders of the executor; FUZZ_SECONDS=60 each
#   make soak       hours: fuzzing, failures at every point that writes, real Slurm, 100,000 jobs through one executor, a
#                   snapshot held for long, test/chaos at length and ROUNDS=1 round(s) of all faults with the table of
#                   docs/explanation/survives.md, the suites with sanitizers in the server, executor and supervisors, the
#                   server under valgrind, and what make versions and make coverage do; make soak-long the same with
#                   10,000,000 finished jobs and a snapshot held for 30 minutes
#   make versions   the suites on PostgreSQL 17 and 18, and pg_upgrade; VERSIONS='17 18' which
#   make coverage   which lines of core, extension and executor the tests reach; 95 % of core by its unit tests or it fails
#   make bench      every figure of docs/performance.md beside what it must reach; make bench-quick in under a minute;
#                   ARGS='--only PART --slurm --output docs/figures' and the like go to test/bench/run.sh
#   make lint       clang-format, clang-tidy, cppcheck, shellcheck, checks of the SQL
#   make setup      installs what the above need from Debian (as root or with sudo)

EXTENSION = rcq
RCQ_VERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" rcq.control)
MODULE_big = rcq
CORE = $(patsubst %.cpp,%.o,$(wildcard src/core/*.cpp))
OBJS = $(patsubst %.cpp,%.o,$(wildcard src/pg/*.cpp)) $(CORE)
DATA_built = rcq--$(RCQ_VERSION).sql $(notdir $(wildcard sql/updates/*.sql))
DATA = deploy/psql/rcq.psql
EXTRA_CLEAN = $(OBJS:.o=.d) rcq--*.sql

REGRESS = $(patsubst sql/%.sql,%,$(wildcard sql/*.sql))
ISOLATION = $(patsubst test/isolation/specs/%.spec,%,$(wildcard test/isolation/specs/*.spec))
ISOLATION_OPTS = --inputdir=test/isolation

PG_CONFIG ?= pg_config
# the bitcode rule ignores our flags and clang then compiles C++20 as an older standard; nothing here gains from JIT
override with_llvm := no
PG_CPPFLAGS = -MMD -MP -isystem $(shell $(PG_CONFIG) --includedir-server)
PG_CXXFLAGS = -std=c++20 -O2 -Wall -Wextra -Wno-register -Wno-unused-parameter -fvisibility=hidden -fvisibility-inlines-hidden $(EXTRA_CXX)
SHLIB_LINK = -lstdc++ -Wl,--version-script=src/pg/exports.map $(EXTRA_LINK)
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
# PGXS has a `check` of its own, and may be missing: targets that only call scripts (FRONT) do without it
FRONT = setup programs unit unit-sanitize demo stop reset check fuzz soak soak-long versions coverage bench bench-quick lint help
ifneq ($(if $(MAKECMDGOALS),$(filter-out $(FRONT),$(MAKECMDGOALS)),all),)
ifneq ($(wildcard $(PGXS)),)
include $(PGXS)
endif
endif
ifdef PORTNAME
-include $(OBJS:.o=.d)
endif

rcq--$(RCQ_VERSION).sql: $(sort $(wildcard sql/install/*.sql)) rcq.control
	cat $(sort $(wildcard sql/install/*.sql)) > $@

rcq--%.sql: sql/updates/rcq--%.sql sql/updates/expand.awk $(sort $(wildcard sql/install/*.sql test/upgrade/rcq--*.sql))
	awk -f sql/updates/expand.awk $< > $@.new && mv $@.new $@

rcq.so: src/pg/exports.map

EXTRA_CLEAN += build
MAKEFLAGS += --no-print-directory
export CCACHE_SLOPPINESS ?= pch_defines,time_macros
.DEFAULT_GOAL := all
ifndef PORTNAME
ifneq ($(filter all install install-all installcheck,$(or $(MAKECMDGOALS),all)),)
$(error PostgreSQL's development files are missing (no PGXS by way of "$(PG_CONFIG)"): make setup)
endif
endif

# On Debian the programs belong on everybody's PATH; a private PostgreSQL keeps them beside the server.
PROGRAM_BINDIR ?= $(if $(filter /usr/lib/postgresql/%,$(bindir)),/usr/local/bin,$(bindir))
PROGRAM_MANDIR ?= $(if $(filter /usr/lib/postgresql/%,$(bindir)),/usr/local/share/man,$(mandir))
COMPLETION_DIR ?= $(if $(filter /usr/lib/postgresql/%,$(bindir)),/usr/local/share,$(datadir))/bash-completion/completions
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
ROUNDS ?= 1

.PHONY: all install install-all install-programs $(FRONT)
all: programs
install: install-programs
install-all: install
install-programs: programs
	install -d '$(DESTDIR)$(PROGRAM_BINDIR)'
	install -m 755 build/rcq build/rcq-executor build/rcq-supervisor build/rcq-job build/rcq-handler build/rcq-sim '$(DESTDIR)$(PROGRAM_BINDIR)'
	install -d '$(DESTDIR)$(PROGRAM_MANDIR)/man1' '$(DESTDIR)$(COMPLETION_DIR)'
	install -m 644 build/rcq.1 '$(DESTDIR)$(PROGRAM_MANDIR)/man1'
	install -m 644 deploy/completion/rcq.bash '$(DESTDIR)$(COMPLETION_DIR)/rcq'

build/CMakeCache.txt: CMakeLists.txt
	cmake -S . -B build
	@touch $@
programs: build/CMakeCache.txt
	@cmake --build build --parallel $(JOBS) --target rcq rcq-executor rcq-supervisor rcq-job rcq-handler rcq-sim rcq-man
unit-build: build/CMakeCache.txt
	@cmake --build build --parallel $(JOBS)
unit: unit-build
	ctest --test-dir build --output-on-failure
unit-sanitize:
	@test/sanitize/build.sh all
	ctest --test-dir build/sanitize --output-on-failure
.PHONY: unit-build

setup:
	@deploy/setup.sh
demo:
	@deploy/demo/run.sh
stop:
	@deploy/http.sh stop
	@deploy/executors.sh stop
	@deploy/cluster.sh stop
reset: stop
	@deploy/cluster.sh reset

# Against a private PostgreSQL under .rcq/pg; nothing is installed into the system's.
ifneq ($(if $(PORTNAME),$(filter check,$(MAKECMDGOALS)),ours),)
check: setup
	@$(MAKE) -j$(JOBS) all
	@$(MAKE) unit-build
	@config=$$(deploy/private-postgres.sh) && RCQ_PG_CONFIG=$$config test/run-all.sh
endif
soak soak-long: setup
	@deploy/setup.sh soak
	@$(MAKE) -j$(JOBS) all
	@config=$$(deploy/private-postgres.sh) && RCQ_PG_CONFIG=$$config RCQ_SOAK_LONG=$(if $(filter soak-long,$@),1) test/soak/run.sh $(FUZZ_SECONDS) $(ROUNDS)
coverage: setup
	@deploy/setup.sh soak
	@$(MAKE) -j$(JOBS) all
	@config=$$(deploy/private-postgres.sh) && RCQ_PG_CONFIG=$$config test/coverage/run.sh
versions: setup
	@deploy/setup.sh soak
	@$(MAKE) -j$(JOBS) all
	@test/versions/run.sh $(VERSIONS)
fuzz: setup
	@deploy/setup.sh soak
	@test/fuzz/run.sh $(FUZZ_SECONDS)
bench bench-quick: setup
	@deploy/setup.sh bench
	@$(MAKE) -j$(JOBS) all
	@cmake --build build --parallel $(JOBS) --target plan_bench run_loop_bench stamp_bench
	@config=$$(deploy/private-postgres.sh) && RCQ_PG_CONFIG=$$config test/bench/run.sh $(if $(filter bench-quick,$@),--quick) $(ARGS)
lint: build/CMakeCache.txt
	@deploy/lint.sh
help:
	@sed -n '/^#   make/s/^# *//p' Makefile
