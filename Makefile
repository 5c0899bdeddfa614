.DEFAULT_GOAL := help
.PHONY: help setup setup-tests demo test lint

help: ## Show these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/ready ## Make .venv; install Java, Maven and Redis where they are missing

setup-tests: .venv/tests-ready ## Also install the browser and the database that only tests use

demo: setup ## Start everything and send articles through it; FEEDS=1: as feeds, over HTTP
	.venv/bin/wiredesk demo $(if $(FEEDS),--feeds)

test: setup-tests ## Run the tests
	.venv/bin/python -m pytest

lint: setup ## Check style, types and Dockerfiles
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/hadolint docker/Dockerfile

.venv/ready: scripts/setup.sh locks/dev.txt pyproject.toml
	@scripts/setup.sh

.venv/tests-ready: scripts/setup.sh locks/dev.txt pyproject.toml
	@scripts/setup.sh tests
