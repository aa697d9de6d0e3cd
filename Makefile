# One command per chore. VENV=... puts the environment elsewhere.
VENV ?= .venv
export VENV

.PHONY: demo test verify exhaustive setup check lint types format lock docs bench clean

demo: setup            ## a complete self-improvement run with the built-in model
	$(VENV)/bin/selftaught run --seed 0 --controls basic

test: setup-dev        ## the fast gate: all tests but the slow ones
	$(VENV)/bin/pytest -n 4 --durations 12

verify: setup-dev      ## the rest of the full gate: slow tests (whole demos, long simulations, benchmarks that must run)
	$(VENV)/bin/pytest -n 4 --dist loadfile -m slow --timeout 900 --durations 12

exhaustive: setup-dev  ## what takes an hour or so: every hostile text through every command; the golden document of the whole demo, calibration
	$(VENV)/bin/pytest -m exhaustive --timeout 7200

setup:                 ## environment with locked dependencies, and bubblewrap
	@sh scripts/setup.sh

.PHONY: setup-dev
setup-dev:
	@sh scripts/setup.sh dev

check: lint types      ## what must be clean besides the tests

lint: setup-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: setup-dev
	$(VENV)/bin/pyright --pythonpath $(VENV)/bin/python

format: setup-dev
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

lock:                  ## renew uv.lock and, for those without uv, requirements.txt
	uv lock --upgrade
	uv export --quiet --no-emit-project --format requirements.txt -o requirements.txt
	uv export --quiet --no-emit-project --format requirements.txt --extra dev -o requirements-dev.txt

docs: setup-dev        ## the reference pages that are written from the code
	$(VENV)/bin/python scripts/commands.py
	$(VENV)/bin/python scripts/documents.py
	$(VENV)/bin/python scripts/interface.py

bench: setup-dev       ## every benchmark, one JSON document each
	$(VENV)/bin/python -m benchmarks all --json

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
