# Everyday commands; `make` alone lists them. Pass options on with ARGS, as in: make run ARGS="--target prod"

MAKEFLAGS += --no-print-directory
PYTHON := .venv/bin/python
OPS := $(PYTHON) -m cruddur_ops
# A file of tests stays on one process, since its tests may share what it set up.
# The tests start hundreds of processes, which are not to compile our modules anew.
TESTS = env -u PYTHONDONTWRITEBYTECODE $(PYTHON) -m pytest -q -p no:nbval --numprocesses auto --maxprocesses 5 --dist loadfile --no-loadscope-reorder
PYTHONS := python3 python3.14 python3.13 python3.12 python3.11

.PHONY: help run plan test tests test-all outputs lint lab up down bench env env-dev clean

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' Makefile | expand -t 18

run: env ## rehearse: run notebooks 00 to 06 in the sandbox
	@$(OPS) run $(ARGS)

plan: env ## show what a run would change
	@$(OPS) run --plan $(ARGS) || test $$? -eq 2 # something differs

test: ## lint, check types, and test, at once: minutes
	@$(MAKE) --jobs lint tests

tests: env-dev ## test alone
	@$(TESTS) $(ARGS)

test-all: ## test everything there is: every case, all notebooks, a browser, Terraform where it is installed
	@$(MAKE) test ARGS="--all $(ARGS)"
	@$(MAKE) -C rds_sandbox test ARGS="--terraform --wheels --operations"

outputs: env-dev ## run the notebooks on a fresh sandbox, and keep their outputs in them
	@$(PYTHON) -m tests.notebooks.commit_outputs

lint: env-dev ## check style and types
	@$(PYTHON) -m ruff check --quiet . && $(PYTHON) -m ruff format --check --quiet .
	@$(PYTHON) -m mypy --no-error-summary && cd rds_sandbox && ../$(PYTHON) -m mypy --no-error-summary

lab: up ## open the notebooks in JupyterLab, with a sandbox up
	@export PATH="$$PWD/.venv/bin:$$PATH" JUPYTER_CONFIG_PATH="$$PWD/jupyter$${JUPYTER_CONFIG_PATH:+:$$JUPYTER_CONFIG_PATH}"; \
	$(PYTHON) -m jupyterlab $$(test "$$(id -u)" != 0 || echo --allow-root) $(ARGS)

up: env ## start a sandbox that stays up
	@$(OPS) sandbox up

down: env ## end it
	@$(OPS) sandbox down

bench: env-dev ## measure, side by side with what people would use instead
	@$(PYTHON) -m benchmarks $(ARGS)

env: ## make .venv with what a run needs
	@$(call install,requirements.lock)

env-dev: ## make .venv with what the tests need
	@$(call install,requirements-dev.lock)

clean: ## remove .venv and caches; runs/ stays
	@if [ -x $(PYTHON) ]; then $(OPS) sandbox down; fi
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Install a lock and the two projects into .venv, unless this very lock is there already. The mark also
# holds the folder's name: a moved folder needs new links to the projects. requirements-dev.lock
# has all of requirements.lock, so that it leaves both marks.
mark = $$(pwd; cat $(1) pyproject.toml rds_sandbox/pyproject.toml | cksum)
define install
if [ "$$(cat .venv/$(1) 2>&1)" = "$(call mark,$(1))" ]; then exit 0; fi; \
for python in $(PYTHONS) ''; do \
  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi; \
done; \
if [ -z "$$python" ]; then echo "Python 3.11 or newer is needed: install it, then repeat make" >&2; exit 1; fi; \
echo "installing $(1) into .venv: this takes about two minutes the first time" >&2; \
clear=; $(PYTHON) -c '' 2>/dev/null || clear=--clear; \
"$$python" -m venv $$clear .venv && \
$(PYTHON) -m pip install --quiet --disable-pip-version-check --requirement $(1) && \
$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --editable rds_sandbox --editable . && \
echo "$(call mark,requirements.lock)" > .venv/requirements.lock && \
echo "$(call mark,$(1))" > .venv/$(1)
endef
