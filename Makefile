# Switchboard's verbs. `make help` lists them.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build demo test test-units test-system chaos week bench lint clean

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what is missing: system packages, .deps/ (quick when nothing is).
	@docker/setup.sh

build: setup ## Build the programs (debug).
	swift build

demo: build ## Run three business days on a broker and a simulator of its own; KEEP=1 leaves it running.
	@.build/debug/development-stack demo $(if $(KEEP),--keep)

test: setup ## Run every test; BROKER=host:port uses a Kafka that runs already.
	swift build --build-tests
	@$(MAKE) --no-print-directory --keep-going --jobs=2 test-units test-system \
		|| { sleep 1; echo "What failed, once more:"; grep -hE '✘|↳' .build/test-units.log .build/test-system.log; exit 1; }

# Beside each other, because system tests mostly wait: `swift test` would lock the build folder for one of both. Four tests
# at a time, since many have brokers and simulators of their own. `sed` keeps lines whole; `exec` has signals reach the tests.
run_tests := exec env NO_COLOR=1 .build/debug/SwitchboardPackageTests.xctest --testing-library swift-testing \
	--experimental-maximum-parallelization-width 4

test-units:
	@$(run_tests) --skip '^SystemTests\.' > >(sed -u 's/^/units: /' | tee .build/test-units.log) 2>&1

test-system:
	@$(run_tests) --filter '^SystemTests\.' > >(sed -u 's/^/system: /' | tee .build/test-system.log) 2>&1

chaos: setup ## Prove that jobs survive: SEED= JOBS= KILLS= WINDOW= LAKE=s3|file BROKER= BROKER_RESTART=.
	swift build -c release
	@.build/release/development-stack chaos $(if $(SEED),--seed $(SEED)) $(if $(JOBS),--jobs $(JOBS)) \
		$(if $(KILLS),--kills $(KILLS)) $(if $(PACE),--pace $(PACE)) $(if $(WINDOW),--window $(WINDOW)) \
		$(if $(LAKE),--lake $(LAKE)) $(if $(MEMORY),--memory $(MEMORY))

week: setup ## Prove that a hostile vendor's week arrives whole: SEED= DAYS= CONVERSATIONS= EVALUATIONS= USERS= KILLS= MEMORY= BROKER=.
	swift build -c release
	@.build/release/development-stack week $(if $(SEED),--seed $(SEED)) $(if $(DAYS),--days $(DAYS)) \
		$(if $(CONVERSATIONS),--conversations $(CONVERSATIONS)) $(if $(EVALUATIONS),--evaluations $(EVALUATIONS)) \
		$(if $(USERS),--users $(USERS)) $(if $(KILLS),--kills $(KILLS)) $(if $(MEMORY),--memory $(MEMORY))

bench: setup ## Measure, in release mode.
	swift build -c release
	@.build/release/switchboard-bench

lint: ## Check the formatting; warnings are errors in every build.
	swift format lint --strict --parallel --recursive Package.swift Sources Tests

clean: ## Remove what was built and what demo, chaos, week and bench left; .deps/ stays.
	rm -rf .build .demo .bench .chaos .week
