# The commands of this project; `make help` lists them. They need Python 3.11 or newer, and make.

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 6543
WEBHOOKS = http://localhost:$(PORT)/api/webhook/stripe
WORKERS ?= 3
T ?=
NO_SUCH_TEST = $(if $(T),: no test's name contains \"$(T)\"; T is a part of a name)
STRIPE_CLI := var/stripe-cli/1.52.0
OPENAPI_TYPESCRIPT := var/openapi-typescript/7.13.0
OPENAPI_PYTHON_CLIENT := var/openapi-python-client/0.29.1
TUS_JS_CLIENT := var/tus-js-client/4.3.1
AXE_CORE := var/axe-core/4.14.1
DJSTRIPE := var/djstripe
DRF := var/drf
NPM_INSTALL := npm install --no-save --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel error
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
ROUNDS ?= 3
ARGS ?=
WHAT ?= webhooks purchase
SEED ?= 1
UPLOADS ?= 200
FILES ?= 600
PURCHASES ?= 100
UPLOADS ?= 200
FILES ?= 600
KILLS ?= 10

PACKAGES := autonomy_core plugins demo tests bench examples

.DEFAULT_GOAL := help
.PHONY: help demo test unit sure lint format types contracts install stripe-cli client-generators tus-client
.PHONY: axe-core
.PHONY: serve worker simulator migrate texts changelog bench chaos chaos-files odd-files clean

help:  ## list the targets
	@echo "Autonomy Server. Make installs everything, in $(VENV) and var/."
	@echo
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort \
	    | while IFS="$$(printf '\t')" read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done
	@echo
	@echo "  make demo CHECK=1            stop after the transcript; the exit status shows the result"
	@echo "  make demo PORT=8080          on another port"
	@echo "  make test T=stripe_payment   only the tests whose names contain this"
	@echo "  make bench WHAT=tenants      start-up and memory with 1, 100 and 10,000 organisations"

demo: $(VENV)/.installed  ## buy and play an MP3 with real processes, then keep serving
	@$(BIN)/python -m demo --port $(PORT) $(if $(CHECK),--check,)

test: $(VENV)/.installed  ## run the tests, on a temporary PostgreSQL
	@# Exit status 5: pytest found no test.
	@# In the order of the files: slow tests with processes come first, and many short ones fill the end.
	@# One worker more than a small machine has cores, because tests with processes mostly wait.
	@$(BIN)/python -m pytest $(if $(T),-k "$(T)",-n $(WORKERS) --dist loadfile --no-loadscope-reorder) $(ARGS) \
	    || { status=$$?; test $$status != 5 || echo "No test was run$(NO_SUCH_TEST)." >&2; exit $$status; }

unit: $(VENV)/.installed  ## run the tests that start no process and open no connection
	@$(BIN)/python -m pytest tests/unit -m "not processes" $(ARGS)

sure: lint types contracts test  ## all checks that a change must pass

lint: $(VENV)/.installed  ## style: ruff with all rules, each exception explained
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(VENV)/.installed  ## correct the style automatically
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(VENV)/.installed  ## mypy; strict where plugin authors and money depend on it
	@$(BIN)/mypy

contracts: $(VENV)/.installed  ## architecture: which package may import which
	@$(BIN)/lint-imports --no-cache

# WHAT is any of: webhooks purchase catalogue slow files login tenants
bench: $(VENV)/.installed $(DJSTRIPE)/.installed $(DRF)/.installed  ## measure it and peers: ROUNDS=, WHAT=
	@set -e; for what in $(WHAT); do $(BIN)/python -m bench.$$what --rounds $(ROUNDS); done

$(DJSTRIPE)/.installed: bench/webhooks/djstripe_requirements.txt
	@mkdir -p $(dir $@)
	@# A separate environment, because it needs an older Stripe SDK. Without it, bench measures the other peers.
	@$(PYTHON) -m venv $(DJSTRIPE) && $(DJSTRIPE)/bin/python $(PIP_INSTALL) \
	    --requirement $< && touch $@ \
	    || { rm -rf $(DJSTRIPE); echo "There is no dj-stripe: it could not be installed."; }

$(DRF)/.installed: bench/catalogue/drf_requirements.txt
	@mkdir -p $(dir $@)
	@$(PYTHON) -m venv $(DRF) && $(DRF)/bin/python $(PIP_INSTALL) \
	    --requirement $< && touch $@ \
	    || { rm -rf $(DRF); echo "There is no Django REST framework: it could not be installed."; }

chaos: $(VENV)/.installed  ## kill everything at random while customers buy: SEED=, PURCHASES=, KILLS=
	@$(BIN)/python -m tests.faults.chaos --seed $(SEED) --purchases $(PURCHASES) --kills $(KILLS)

chaos-files: $(VENV)/.installed  ## kill server, worker and store while staff upload: SEED=, UPLOADS=, KILLS=
	@$(BIN)/python -m tests.faults.uploads --seed $(SEED) --uploads $(UPLOADS) --kills $(KILLS)

odd-files: $(VENV)/.installed  ## inspect odd and damaged recordings: SEED=, FILES=
	@$(BIN)/python -m tests.faults.odd_files --seed $(SEED) --files $(FILES)

serve: migrate  ## serve development.ini on $(PORT)
	@$(BIN)/autonomy --config development.ini serve --port $(PORT)

worker: $(VENV)/.installed  ## run the jobs of development.ini
	@$(BIN)/autonomy --config development.ini worker

simulator: $(VENV)/.installed  ## run the simulator of Stripe, for the shops of development.ini on $(PORT)
	@mkdir -p var/development
	@$(BIN)/autonomy --config development.ini stripe simulator --state var/development/simulator.sqlite \
	    $(foreach shop,harbour nightjar,--endpoint sk_test_$(shop),$(WEBHOOKS)/$(shop),whsec_$(shop)_sample) \
	    $(ARGS)

stripe-cli: $(STRIPE_CLI)/.installed  ## get the Stripe CLI, with npm, for the tests that use it

$(STRIPE_CLI)/.installed:
	@mkdir -p $(STRIPE_CLI)
	@# The package contains all that it needs. Without it, the tests that use it are skipped.
	@$(NPM_INSTALL) --prefix $(STRIPE_CLI) @stripe/cli@$(notdir $(STRIPE_CLI)) && touch $@ \
	    || echo "There is no Stripe CLI: npm is not here, or has no network."

CLIENT_GENERATORS := $(OPENAPI_TYPESCRIPT) $(OPENAPI_PYTHON_CLIENT)

client-generators: $(CLIENT_GENERATORS:=/.installed)  ## get the generators of API clients that the tests use

$(OPENAPI_TYPESCRIPT)/.installed:
	@mkdir -p $(OPENAPI_TYPESCRIPT)
	@$(NPM_INSTALL) --prefix $(OPENAPI_TYPESCRIPT) \
	    openapi-typescript@$(notdir $(OPENAPI_TYPESCRIPT)) typescript@5.9.3 && touch $@ \
	    || echo "There is no openapi-typescript: npm is not here, or has no network."

$(OPENAPI_PYTHON_CLIENT)/.installed:
	@# A separate environment, because its dependencies are not the server's.
	@$(PYTHON) -m venv $(OPENAPI_PYTHON_CLIENT) && $(OPENAPI_PYTHON_CLIENT)/bin/python $(PIP_INSTALL) \
	    openapi-python-client==$(notdir $(OPENAPI_PYTHON_CLIENT)) && touch $@ || { \
	    rm -rf $(OPENAPI_PYTHON_CLIENT); echo "There is no openapi-python-client: it could not be installed."; }

tus-client: $(TUS_JS_CLIENT)/.installed  ## get tus-js-client, with npm, for the tests that use it

$(TUS_JS_CLIENT)/.installed:
	@mkdir -p $(TUS_JS_CLIENT)
	@$(NPM_INSTALL) --prefix $(TUS_JS_CLIENT) tus-js-client@$(notdir $(TUS_JS_CLIENT)) && touch $@ \
	    || echo "There is no tus-js-client: npm is not here, or has no network."

axe-core: $(AXE_CORE)/.installed  ## get axe-core, with npm, for the tests of pages in a browser

$(AXE_CORE)/.installed:
	@mkdir -p $(AXE_CORE)
	@$(NPM_INSTALL) --prefix $(AXE_CORE) axe-core@$(notdir $(AXE_CORE)) && touch $@ \
	    || echo "There is no axe-core: npm is not here, or has no network."

migrate: $(VENV)/.installed  ## bring the development database up to date
	@$(BIN)/autonomy --config development.ini migrate

texts: $(VENV)/.installed  ## collect the texts of pages, and update the catalogues of translations
	@$(BIN)/autonomy texts autonomy_core --locale autonomy_core/pages/locale
	@for plugin in plugins/*/locale; do $(BIN)/autonomy texts $$(dirname $$plugin); done

changelog: $(VENV)/.installed  ## show the changelog of the next release
	@$(BIN)/towncrier build --draft --version next

install: $(VENV)/.installed  ## set up only

$(VENV)/.installed: setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "Python 3.11 or newer is needed; name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Setting up $(VENV); the first time this takes a minute."
	@# An interrupted installation leaves an environment without pip, which is created again.
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python $(PIP_INSTALL) --constraint constraints.txt --editable '.[development]'
	@touch $@

clean:  ## remove the environment, and the databases and files of demo and development
	@# As root, PostgreSQL may use another directory.
	@test ! -e $(VENV)/.installed || for data in var/demo/data var/development; do \
	    $(BIN)/python -m autonomy_core.testing.removal $$data/postgresql </dev/null; done
	@rm -rf $(VENV) var build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
