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

test: setup
	$(SCREEN) $(BIN)/python -m pytest

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
