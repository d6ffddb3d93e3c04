#!/bin/sh
# The checks before the tests: each is silent when it passes and shows its output when it does not.
failed=0
step() {
  name=$1
  shift
  if output=$("$@" 2>&1); then
    printf '%-18s ok\n' "$name"
  else
    printf '%-18s FAILED\n%s\n' "$name" "$output"
    failed=1
  fi
}
# On a database of its own: what lies under var/ may be older or in use.
drift() {
  VAR_DIR=$(mktemp -d) && export VAR_DIR || return 1
  APP_ENV=test "$PY" -m backoffice.migrate upgrade && APP_ENV=test "$PY" -m backoffice.migrate check
  status=$?
  rm -rf "$VAR_DIR"
  return $status
}
step "lint" "$PY" -m ruff check --quiet .
step "format" "$PY" -m ruff format --quiet --check .
step "types" "$PY" -m mypy
step "import rules" .venv/bin/lint-imports
step "migration drift" drift
exit $failed
