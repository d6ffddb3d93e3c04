"""The workflows as they run: drawn, with the orders in each state and how long they stay there."""

from __future__ import annotations

import uuid

from flask import request
from markupsafe import Markup
from sqlalchemy import select

from backoffice.admin.keeping import kept
from backoffice.admin.language import locale
from backoffice.admin.orders import batch_options
from backoffice.admin.people import own_school
from backoffice.admin.room import Page, expose, one_or_404, parse_uuid
from backoffice.admin.state_figures import WorkflowFigures, figures
from backoffice.i18n import Text
from backoffice.models import Batch
from backoffice.security.tenancy import visible
from backoffice.workflows.drawing import svg

KIND_OF = {"capture_order": "capture", "reprint_order": "reprint"}


class WorkflowRoom(Page):
    """The drawings. To be looked at; definitions are changed in the code."""

    room = "workflow"
    label = Text("工作流", "Workflows")
    section = Text("系统", "System")

    @expose("/")
    def index(self) -> str:
        """Show every workflow with what this member may see, of all batches or of one."""
        chosen = _batch(request.args.get("batch"))
        return str(
            self.render(
                "backoffice/workflow.html",
                workflows=[
                    (found, self._drawn(found, chosen))
                    for found in kept("workflows", lambda: figures(chosen), chosen)
                ],
                batches=batch_options(),
                chosen_batch=str(chosen) if chosen else "",
            )
        )

    def _drawn(self, found: WorkflowFigures, batch: uuid.UUID | None) -> Markup:
        """Return the drawing; a box leads to its orders."""
        name = found.definition.name
        links = {
            state: self.get_url(
                "orders.index_view", state=state, kind=KIND_OF.get(name), batch=batch
            )
            for state in found.counts
        }
        # every text in it was escaped where it was put in
        return Markup(svg(found.definition, locale(), found.counts, links))  # noqa: S704


def _batch(raw: str | None) -> uuid.UUID | None:
    """Return the batch asked for. Raises NotFound if it is not this member's to see."""
    if not raw:
        return None
    query = select(Batch).where(Batch.id == parse_uuid(raw), visible(Batch, own_school()))
    batch: Batch = one_or_404(query)
    return batch.id
