# One command for each job. Every target first installs what is missing (tools/setup.sh).
.PHONY: build demo test bench fuzz tidy install asan tsan crash setup

setup:
	@tools/setup.sh

build: setup
	cmake --preset release >/dev/null
	cmake --build --preset release
	@echo "built build/release/traccia"

demo: build
	tests/demo.sh build/release/traccia

test:
	@tools/setup.sh packaging/apt-packages-test
	tests/run.sh

asan: setup
	cmake --workflow --preset asan

tsan: setup
	cmake --workflow --preset tsan

# The long crash campaign: 200 rounds of kill -9 under load.
crash: build
	tests/run_python.sh tests/crash/kill9.py --binary build/release/traccia --rounds 200

# BENCH_SECONDS of steady state in each phase (60); BENCH_ARGS="--only bulk,postgres" for a part.
bench:
	@tools/setup.sh packaging/apt-packages-bench
	cmake --preset bench >/dev/null
	cmake --build --preset bench
	bench/run.sh --build build/bench $(BENCH_ARGS)

# FUZZ_SECONDS each target runs.
fuzz: setup
	cmake --workflow --preset fuzz
	tools/fuzz.sh build/fuzz $${FUZZ_SECONDS:-60}

tidy: setup
	cmake --preset tidy >/dev/null
	cmake --build --preset tidy
	tools/clang_tidy.sh build/tidy

install: build
	cmake --install build/release
