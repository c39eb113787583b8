# Each target needs nothing before it. `make book` and `make test` work in a fresh clone with Python 3.11 or 3.12 and git.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= $(shell for p in python3 python3.12 python3.11; do $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
CV2 := $(shell grep -o '^opencv-python-headless==.*' constraints.txt)
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help env book unit test lab pairs clean
help:  ## this list
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## (.*)/make \1\t\2/' | expand -t 14

env: .venv/.complete  ## everything into .venv, reused while pyproject.toml and constraints.txt stay as they are
.venv/.complete: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "ELP needs Python 3.11 or 3.12: install one, or name it: make env PYTHON=/path/to/python3.12" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[media,book,test]'
	# mediapipe brings the OpenCV that wants a desktop's libGL, in the same folder: the headless one of the same version goes last
	$(BIN)/python -m pip install -q --force-reinstall --no-deps '$(CV2)'
	$(BIN)/python -m pip check
	touch $@

book: env  ## the executed book in book/_build/html
	$(BIN)/python book/_tools/vendor.py
	$(BIN)/jupyter-book build . --path-output book --all $(BOOKFLAGS)
	@echo "open book/_build/html/index.html"

unit: env  ## tests without browsers, real videos from end to end and whole chapters: a minute or two
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

test: env  ## the types; every test; then every chapter executed and its tagged outputs compared
	$(BIN)/python book/_tools/vendor.py
	$(BIN)/python -m mypy
	$(BIN)/python -m pytest -n 2 --dist loadfile
	$(BIN)/python -m pytest -n 2 --dist loadfile -q --nbval-lax --nbval-sanitize-with=tests/nbval.cfg book  # chapters, executed and compared

lab: env  ## JupyterLab on the chapters
	$(BIN)/jupyter trust book/*.ipynb >/dev/null
	$(BIN)/jupyter lab --notebook-dir=book

pairs: env  ## execute the chapters' text twins into their notebooks (ONLY="book/03-space.py" for some)
	$(BIN)/python book/_tools/pairs.py $(ONLY)

clean:  ## delete what was built; .venv stays
	rm -rf book/_build book/_vendor book/_runtime .pytest_cache .ruff_cache .mypy_cache .hypothesis
