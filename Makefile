# Each target needs nothing before it. `make book` and `make test` work in a fresh clone with Python 3.11 or later and git.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help reproduce env book unit slow test chapters hostile wheels lint lab pairs dist try clean
help:  ## this list
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## (.*)/make \1\t\2/' | expand -t 14

env: .venv/.complete  ## everything into .venv, reused while pyproject.toml and constraints.txt stay as they are
.venv/.complete: pyproject.toml constraints.txt elp/media/weights.py
	@test -n "$(PYTHON)" || { echo "ELP needs Python 3.11 or later: install one, or name it: make env PYTHON=/path/to/python3.12" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[media,book,test]'
	$(BIN)/python -m pip check
	$(BIN)/python -m elp.media.weights  # the networks that find faces, into .venv/share/elp/models
	touch $@

book: env  ## the executed book in book/_build/html
	$(BIN)/python book/_tools/vendor.py
	$(BIN)/jupyter-book build . --path-output book $(BOOKFLAGS)
	@echo "open book/_build/html/index.html"

unit: env  ## tests without browsers, real videos from end to end and whole chapters: a minute or two
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

slow: env  ## what `unit` leaves out: browsers, real videos from end to end
	$(BIN)/python book/_tools/vendor.py
	$(BIN)/python -m pytest -n 2 --dist loadfile -m slow

lint: env  ## form and types: ruff, mypy, spelling
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python -m mypy
	$(BIN)/codespell --toml pyproject.toml

test: lint  ## form and types; every test; then every chapter executed and its tagged outputs compared
	$(BIN)/python book/_tools/vendor.py
	$(BIN)/python -m pytest -n 2 --dist loadfile
	$(MAKE) chapters

chapters: env  ## every chapter executed, its tagged outputs compared with the committed ones
	$(BIN)/python -m pytest -n 2 --dist loadfile -q -p tests.executed --nbval-lax --nbval-sanitize-with=tests/nbval.cfg book

hostile: env  ## damaged files, full disks, signals, a long stream: half an hour, and tests/hostile/report.json
	$(BIN)/python -m pytest -n 0 -q -m hostile tests/hostile

wheels: env  ## whether all that elp needs comes as wheels, for every Python and system
	$(BIN)/python -m pip install -q --target dist/uv uv
	PYTHONPATH=. $(BIN)/python .ci/wheels.py dist/uv/bin/uv

lab: env  ## JupyterLab on the chapters
	$(BIN)/jupyter trust book/*.ipynb >/dev/null
	$(BIN)/jupyter lab --notebook-dir=book

pairs: env  ## execute the chapters' text twins into their notebooks (ONLY="book/03-space.py" for some)
	$(BIN)/python book/_tools/pairs.py $(ONLY)

reproduce: env  ## run the command of one result file again (NAME=stream)
	$(BIN)/python -m experiments.reproduce $(NAME)

dist: env  ## the sdist, and the wheel made from it, in dist/
	rm -rf dist
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m build -q --outdir dist

# An environment of its own, in which elp comes from the wheel alone. What elp depends on is not downloaded again, 2.4 GB:
# a line of a .pth file puts the packages of .venv on the path, and ELP_MODELS names its networks. Python does not run the
# .pth files that it finds there, so that the editable install stays unknown; try_wheel.py asserts where elp came from.
try: dist  ## the wheel in an empty environment: elp respond on a video
	$(BIN)/python -m venv --clear dist/env
	dist/env/bin/python -m pip install -q --no-deps dist/elp-*.whl
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > "$$(dist/env/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/dependencies.pth"
	cd dist && env -u PYTHONPATH ELP_MODELS=../.venv/share/elp/models env/bin/python -P ../.ci/try_wheel.py

clean:  ## delete what was built; .venv stays
	rm -rf book/_build book/_vendor book/_runtime dist build .pytest_cache .ruff_cache .mypy_cache .hypothesis
