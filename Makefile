# make study   a whole study, from its file to its figures, in an environment of its own
# make test    the tests, in the same environment: test-beside those that run beside others, test-alone the rest
# make ptx     kernels compiled for GPUs that need not be there, in another environment
# make oldest  tests that compile hardly anything, with the lowest versions of all dependencies
# make docs    the documentation as a site, in build/site
# make lint types bench   what else .ci/run runs, and the table of ratios

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := -m pip install --quiet
STUDY ?= examples/saddle_to_saddle.toml

.PHONY: study test test-beside test-alone ptx oldest lint types docs bench clean

study: $(VENV)/.core
	$(BIN)/fastsde study $(STUDY)

# Most of the time goes into compiling, one core each; tests that look at a clock come after, one by one.
test: test-beside
	$(MAKE) test-alone

test-beside: $(VENV)/.test
	$(BIN)/python -m pytest -m 'not alone' --numprocesses logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder --durations=50

test-alone: $(VENV)/.test
	$(BIN)/python -m pytest -m alone --durations=20

ptx: $(VENV)-ptx/.ptx
	$(VENV)-ptx/bin/python -m pytest tests/gpu/test_ptx.py tests/gpu/test_stored_kernels.py --numprocesses logical --maxprocesses 8 --dist loadgroup --durations=20

oldest: $(VENV)-oldest/.oldest
	$(VENV)-oldest/bin/python -m pytest -W default -m 'not slow' tests/study tests/system tests/storage tests/report/test_paper.py tests/report/test_plot.py tests/cli/test_new.py --numprocesses logical --maxprocesses 8 --dist loadfile --durations=20

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# The five folders become one package only when installed; the checker sees a copy laid out that way.
types: $(VENV)/.dev
	rm -rf build/types && mkdir -p build/types
	cp -r fastsde build/types/ && cp -r cli kernels build/types/fastsde/
	cd build/types && $(abspath $(BIN))/mypy --config-file $(CURDIR)/pyproject.toml -p fastsde

# Apart: what it installs would change the messages of other programs.
docs: $(VENV)-docs/.docs
	NO_MKDOCS_2_WARNING=1 $(VENV)-docs/bin/python -m mkdocs build --strict --quiet

bench: $(VENV)/.bench
	$(BIN)/python -m bench

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(INSTALL) --upgrade pip

$(VENV)/.core: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python $(INSTALL) --editable .
	touch $@

$(VENV)/.test $(VENV)/.dev $(VENV)/.bench: $(VENV)/.%: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python $(INSTALL) --editable '.[$*]'
	touch $@ $(if $(filter dev,$*),$(VENV)/.test)

$(VENV)-ptx/.ptx: pyproject.toml
	$(PYTHON) -m venv $(VENV)-ptx
	$(VENV)-ptx/bin/python $(INSTALL) --upgrade pip
	$(VENV)-ptx/bin/python $(INSTALL) --editable '.[ptx]'
	touch $@

$(VENV)-docs/.docs: pyproject.toml
	$(PYTHON) -m venv $(VENV)-docs
	$(PYTHON) -c "import tomllib; \
	  print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['docs'], sep='\n')" \
	  > $(VENV)-docs/wanted.txt
	$(VENV)-docs/bin/python $(INSTALL) --requirement $(VENV)-docs/wanted.txt
	touch $@

# name>=1.2 becomes name==1.2.*
$(VENV)-oldest/.oldest: pyproject.toml
	$(PYTHON) -m venv $(VENV)-oldest
	$(PYTHON) -c "import tomllib; \
	  [print(one.replace('>=', '==') + '.*') for one in tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies']]" \
	  > $(VENV)-oldest/lowest.txt
	$(VENV)-oldest/bin/python $(INSTALL) --editable '.[test]' --constraint $(VENV)-oldest/lowest.txt
	touch $@

clean:
	rm -rf $(VENV) $(VENV)-ptx $(VENV)-oldest $(VENV)-docs build
