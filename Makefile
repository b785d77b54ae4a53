# Consentry. Every target makes its own virtual environment under .venv/ on first use.
#
#     make test PYTHON=python3.13              another interpreter (3.11 to 3.13)
#     make test PYTEST_ARGS='-k cookies -x'    passed on to pytest

PYTHON ?= python3
PYTEST_ARGS ?=
# What `make test` leaves to `make soak`, and which tests: all of them.
SELECT := not soak
TESTS :=
# A second interpreter, where there is one. In `make test` it runs what another Python can change: whatever runs inside
# mitmproxy, which has another version there, and a few files on each of loops, sockets, databases and parsers, as the time
# for both is ten minutes on two cores. `make also` runs all on it but the browser, as pages do not know which Python made
# them.
ALSO := 3.13
ALSO_SELECT := not soak and not browser
ALSO_TESTS := tests/addons tests/live_steps tests/soak tests/store tests/capture/test_flows.py tests/capture/test_packed.py \
    tests/core/test_urls.py tests/seal/test_keys.py tests/server/test_bodies.py tests/server/test_command.py \
    tests/server/test_hostile.py tests/wire/test_cookies.py tests/wire/test_html.py
# uv is needed only to refresh constraints.txt.
UV := uv==0.13.9

SHELL := /bin/sh
.DEFAULT_GOAL := help
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
# Where this is set, every process compiles what it imports anew: a command of ours takes twice as long to start.
unexport PYTHONDONTWRITEBYTECODE

PYVER := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
VENV := .venv/py$(PYVER)
# The stamp knows the folder: a virtual environment does not survive being moved or copied.
READY := .ready-$(shell printf %s '$(CURDIR)' | cksum | cut -d' ' -f1)
STAMP := $(VENV)/$(READY)
# mypy refuses to start for a folder that is not there.
TYPED := $(wildcard cmp addons tests demo benchmarks scripts/*.py)
# One process more than the two cores it is made for, as many a test waits for a page, a socket or a program it started.
# The long ones keep a core busy each.
PROCESSES := 3
soak: PROCESSES := 2
PYTEST = $(VENV)/bin/python -m pytest -q -n $(PROCESSES) --dist loadfile --no-loadscope-reorder

.PHONY: help demo test soak bench lint lock docs clean style types pytest also tools python

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

demo: $(STAMP) ## run the main job on real input and print what happened
	@$(VENV)/bin/python -m demo

test: style ## lint, types and all tests, on this Python; those it may change again on Python 3.13 where there is one
	@$(MAKE) --no-print-directory -j 2 types pytest
	@$(MAKE) --no-print-directory also TESTS='$(ALSO_TESTS)'

soak: $(STAMP) tools ## the long tests in full, and all of what make test takes samples of
	@echo '== soak tests, Python $(PYVER)'
	@CONSENTRY_SOAK=1 $(PYTEST) -m 'soak or sampled' --timeout 3600 $(PYTEST_ARGS)

bench: $(STAMP) ## every benchmark beside its peers
	@$(VENV)/bin/python -m benchmarks

lint: style types ## ruff check, ruff format --check, mypy

lock: python ## write constraints.txt anew from pyproject.toml, with the newest versions that fit
	@[ -x .venv/lock/bin/uv ] || { $(PYTHON) -m venv .venv/lock && .venv/lock/bin/python -m pip install -qq '$(UV)'; }
	@printf '%s\n' \
	    '# Exact versions of everything that is installed, for Python 3.11 to 3.13. Not edited by hand: `make lock` writes it.' \
	    '# Used as: pip install -c constraints.txt -e ".[dev]"' > .venv/constraints.txt
	@.venv/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --extra dev --upgrade \
	    --no-annotate --no-header --no-emit-index-url pyproject.toml >> .venv/constraints.txt
	@mv .venv/constraints.txt constraints.txt

docs: $(STAMP) ## write docs/policy.md anew from the policy schema, and docs/detectors/ from the detectors
	@$(VENV)/bin/python scripts/policy_reference.py
	@$(VENV)/bin/python scripts/detector_reference.py

clean: ## remove everything these targets made
	@rm -rf .venv build dist demo-output *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ------------------------------------------------------------------------------------------------ parts of the above

style: $(STAMP)
	@echo '== ruff, Python $(PYVER)'
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/ruff format --quiet --check . || { echo "Files above need: $(VENV)/bin/ruff format ." >&2; exit 1; }

# In `make test` beside the tests, as it keeps one core busy and no more.
types: $(STAMP)
	@echo '== mypy, Python $(PYVER)'
	@$(VENV)/bin/mypy --no-error-summary $(TYPED)

pytest: $(STAMP) tools
	@echo '== tests, Python $(PYVER)'
	@$(PYTEST) -m '$(SELECT)' $(TESTS) $(PYTEST_ARGS)

also:
	@if [ '$(PYVER)' != '$(ALSO)' ]; then \
	    if also=$$(scripts/find-python $(ALSO)); then \
	        $(MAKE) --no-print-directory pytest PYTHON="$$also" SELECT='$(ALSO_SELECT)'; \
	    else \
	        echo 'No Python $(ALSO) here: tested on Python $(PYVER) only.'; \
	    fi; \
	fi

tools:
	@scripts/ensure-tools .venv/tools.log

python:
	@case '$(PYVER)' in \
	    3.11|3.12|3.13) ;; \
	    '') echo '$(PYTHON) does not run: name a Python 3.11, 3.12 or 3.13 with PYTHON=...' >&2; exit 1 ;; \
	    *) echo '$(PYTHON) is Python $(PYVER): name a Python 3.11, 3.12 or 3.13 with PYTHON=...' >&2; exit 1 ;; \
	esac

$(STAMP): pyproject.toml constraints.txt | python
	@echo 'Setting up $(VENV)'
	@[ -e $@ ] || rm -rf $(VENV)
	@mkdir -p .venv
	@[ -e $(VENV) ] || $(PYTHON) -m venv $(VENV) >.venv/venv.log 2>&1 || { rm -rf $(VENV); \
	    echo '$(PYTHON) cannot make virtual environments: install its venv package (Debian: python$(PYVER)-venv).' >&2; exit 1; }
	@$(VENV)/bin/python -m pip install -qq -c constraints.txt -e '.[dev]'
	@touch $@
