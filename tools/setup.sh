#!/bin/sh
# Finds a Python that is new enough and lets bootstrap.py complete .venv.
# An existing .venv keeps its own Python, so a later upgrade of the machine changes nothing.
for candidate in .venv/bin/python python3 python3.13 python3.12 python3.11; do
  if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
    exec "$candidate" bootstrap.py "$@"
  fi
done
echo "需要 Python 3.11 或更新版本，请安装后重试。 / Python 3.11 or newer is needed; install it (Debian: apt install python3.11 python3.11-venv) and run the same command again." >&2
exit 1
