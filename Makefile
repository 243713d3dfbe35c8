# make demo    the whole pipeline on the sample data, then napari on the result
# make test    all tests, in a real window (a virtual screen where there is none)
# Both make .venv by themselves.
BIN := .venv/bin
SCREEN := scripts/with_screen.sh

.PHONY: setup demo test lint bench docs clean

setup:
	scripts/setup.sh

demo: setup
	$(BIN)/cropzoom demo

# Tests that share one window among them open it without napari's fixture, which the process of the
# others does not allow twice: each of these files gets a process of its own.
OWN_WINDOW := $(addprefix tests/widgets/test_,\
	dock_menu.py leaks.py mend_tools.py player.py screen.py stand_in.py timeline.py)

test: setup
	$(SCREEN) $(BIN)/python -m pytest $(addprefix --ignore=,$(OWN_WINDOW))
	for file in $(OWN_WINDOW); do $(SCREEN) $(BIN)/python -m pytest $$file || exit 1; done

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	$(SCREEN) $(BIN)/python benchmarks/run.py

docs: setup
	$(BIN)/mkdocs build --strict

clean:
	rm -rf .venv site dist demo_output
