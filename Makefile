# rcq: a batch scheduler inside PostgreSQL.
#
#   make            extension (PGXS) and executor (CMake, under build/)
#   make install    both, into the PostgreSQL that PG_CONFIG names (as root)
#   make demo       from a fresh machine to real jobs running; make stop ends it
#   make check      every test suite; closes with 'N passed, N failed'
#   make bench      every figure of docs/performance.md; make bench-quick in under a minute
#   make lint       clang-format, clang-tidy, checks of the SQL
#   make setup      installs what the above need from Debian (as root or with sudo)

EXTENSION = rcq
RCQ_VERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" rcq.control)
MODULE_big = rcq
CORE = $(patsubst %.cpp,%.o,$(wildcard src/core/*.cpp))
OBJS = $(patsubst %.cpp,%.o,$(wildcard src/pg/*.cpp)) $(CORE)
DATA = $(wildcard sql/updates/*.sql)
DATA_built = rcq--$(RCQ_VERSION).sql
EXTRA_CLEAN = $(OBJS:.o=.d) rcq--*.sql

REGRESS = $(patsubst sql/%.sql,%,$(wildcard sql/*.sql))
ISOLATION = $(patsubst specs/%.spec,%,$(wildcard specs/*.spec))

PG_CONFIG ?= pg_config
# the bitcode rule ignores our flags and clang then compiles C++20 as an older standard; nothing here gains from JIT
override with_llvm := no
PG_CPPFLAGS = -MMD -MP -isystem $(shell $(PG_CONFIG) --includedir-server)
PG_CXXFLAGS = -std=c++20 -O2 -Wall -Wextra -Wno-register -Wno-unused-parameter -fvisibility=hidden -fvisibility-inlines-hidden $(EXTRA_CXX)
SHLIB_LINK = -lstdc++ -Wl,--version-script=src/pg/exports.map $(EXTRA_LINK)
PGXS := $(shell $(PG_CONFIG) --pgxs)
ifneq ($(PGXS),)
include $(PGXS)
-include $(OBJS:.o=.d)
endif

rcq--$(RCQ_VERSION).sql: $(sort $(wildcard sql/install/*.sql)) rcq.control
	cat $(sort $(wildcard sql/install/*.sql)) > $@

rcq.so: src/pg/exports.map
