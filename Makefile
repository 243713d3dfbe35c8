# make demo    the whole pipeline on the sample data, then napari on the result
# make test    all tests, in a real window (a virtual screen where there is none); HALF=window those of the window, HALF=rooms the others
# make test-newest, make test-oldest    the tests that need no torch, with the newest and the oldest dependencies
# make test-sharing, test-no-locks, test-code-page, test-line-ends    all tests under a rule of another system
# make docs    the documentation, in site/; make pictures takes its pictures and recordings again (models run)
# make coverage    which lines the tests reach
# All make .venv by themselves.
BIN := .venv/bin
SCREEN := scripts/with_screen.sh
TESTS_window := tests/widgets $(wildcard tests/test_*.py)
TESTS_rooms := --ignore=tests/widgets $(patsubst %,--ignore=%,$(wildcard tests/test_*.py))
RULES := test-sharing test-no-locks test-code-page test-line-ends

.PHONY: setup demo test coverage test-newest test-oldest $(RULES) lint bench docs pictures clean

setup:
	scripts/setup.sh $(if $(filter-out setup,$(MAKECMDGOALS)),,--say-what-next)

demo: setup
	$(BIN)/cropzoom demo

test: setup
	scripts/run_tests.sh $(BIN)/python $(TESTS_$(HALF))

coverage: setup
	$(SCREEN) $(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered

test-newest test-oldest: setup
	scripts/test_environment.sh $(@:test-%=%)

$(RULES): setup
	scripts/other_systems/run.sh $(@:test-%=%)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/codespell
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/mypy benchmarks
	$(BIN)/mypy -p cropzoom_detectors
	$(BIN)/mypy --platform win32
	$(BIN)/mypy --platform darwin

bench: setup
	$(SCREEN) $(BIN)/python benchmarks/run.py

docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

pictures: setup
	$(BIN)/python scripts/make_shown.py
	$(SCREEN) $(BIN)/python scripts/make_pictures.py
	$(SCREEN) $(BIN)/python scripts/make_recording.py
	$(BIN)/python benchmarks/plots.py

clean:
	rm -rf .venv .venv-newest .venv-oldest site dist demo_output
