"""The rules of one row, in order (DOMAIN sections 3 and 4)."""

from __future__ import annotations

from backoffice.imports.cells import Row
from backoffice.imports.identity_rules import IdentityRules
from backoffice.imports.row_cells import RosterRow
from backoffice.imports.study_rules import StudyRules


class RowChecker(IdentityRules, StudyRules):
    """Judges row after row; collects findings."""

    def check(self, number: int, cells: Row) -> RosterRow:
        """Return the clean row; what is wrong with it is added to `findings`."""
        self.begin(number, cells)
        self.student_no()
        self.name()
        if self.mode == "full":
            self.id_number()
            self.person()
        else:
            self.last_four()
        self.study()
        return self.row
