"""Commands in this process, on the tests' own database."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from backoffice import cli, create_app
from tests.factories import make_batch, make_school


@dataclass
class Answer:
    """What a command said."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on standard output; anything else there is an error."""
        content = json.loads(self.out)
        assert isinstance(content, dict)
        return content

    @property
    def code(self) -> str:
        """The code of the error object."""
        assert set(self.json) == {"error"}
        assert set(self.json["error"]) == {"code", "message"}
        assert self.json["error"]["message"]
        return self.json["error"]["code"]


@pytest.fixture(scope="session")
def command_app(settings, database):
    """The core with the commands."""
    app = create_app(settings)
    cli.init_app(app)
    return app


@pytest.fixture
def run(command_app, committed):
    """Run one command: `run("batch", "create", ..., "--json")`."""

    def call(*arguments) -> Answer:
        result = command_app.test_cli_runner().invoke(args=[str(a) for a in arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answer(result.exit_code, result.stdout, result.stderr)

    return call


@pytest.fixture
def code(committed) -> str:
    """The feature code of an open batch."""
    with committed() as session:
        school = make_school(session, code="10001", name="示例大学")
        made = make_batch(session, school, feature_code="Z3K8F7").feature_code
        session.commit()
    return made
