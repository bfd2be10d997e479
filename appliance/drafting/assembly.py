"""Collects the statements of all parts into the document: sections as the template has them, duplicates counted."""

from collections import Counter
from collections.abc import Iterable

from appliance.clinical.document import Document, Notice, Section, Statement
from appliance.drafting.disclaimers import disclaimers
from appliance.drafting.errors import OutputError
from appliance.drafting.order import Order
from appliance.drafting.readability import reading_grade

# What a section of the document model holds.
MAX_SECTION_STATEMENTS = 500


class Assembly:
    """The document that is coming to be. Its kind, template and sections are the order's; only statements are added."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._statements: dict[str, list[Statement]] = {section.name: [] for section in order.form.sections}
        self._texts: dict[str, set[str]] = {name: set() for name in self._statements}
        self.duplicates = 0
        self.removed: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """How many statements there are."""
        return sum(map(len, self._statements.values()))

    def is_new(self, section: str, text: str) -> bool:
        """Say whether a section does not have this very sentence yet; count it otherwise."""
        if text in self._texts[section]:
            self.duplicates += 1
            return False
        return True

    def next_id(self, section: str) -> str:
        """Return the identifier that the next statement of a section gets."""
        return f"{section}.{len(self._statements[section]) + 1}"

    def add(self, section: str, statement: Statement) -> None:
        """Add a statement at the end of its section. Raises OutputError when it is full: nothing is cut off."""
        statements = self._statements[section]
        if len(statements) >= MAX_SECTION_STATEMENTS:
            raise OutputError(
                f"{section} would hold more than {MAX_SECTION_STATEMENTS} statements",
                hint="choose fewer sources or years",
                code="output_too_many_statements",
            )
        statements.append(statement)
        self._texts[section].add(statement.text)

    def add_consent(self, line: str) -> None:
        """Add the sentence of the recorded consent event: in its own section, or at the end of the last one."""
        sections = self._order.form.sections
        name = next((section.name for section in sections if section.origin == "consent"), sections[-1].name)
        self.add(name, Statement(id=self.next_id(name), text=line.strip(), author="template"))

    def unsupported(self) -> int | None:
        """How many statements are marked; None when none was held against a source."""
        judged = [one.grounding for one in self._all() if one.grounding is not None]
        return sum(grounding.status != "supported" for grounding in judged) if judged else None

    def document(self, notices: Iterable[Notice]) -> Document:
        """Return the document."""
        form = self._order.form
        return Document(
            kind=self._order.kind,
            template=form.reference,
            sections=tuple(
                Section(name=section.name, title=section.title, statements=tuple(self._statements[section.name]))
                for section in form.sections
            ),
            notices=(
                *notices,
                *self._notices(),
                *disclaimers(self._order.kind, self._order.state, self._order.reviewed),
            ),
        )

    def _all(self) -> list[Statement]:
        return [statement for statements in self._statements.values() for statement in statements]

    def _notices(self) -> list[Notice]:
        notices = []
        if self.removed["prompt"]:
            text = (
                f"{self.removed['prompt']} generated sentences recited the instructions to the model and were removed."
            )
            notices.append(Notice(code="prompt.removed", text=text))
        if self.removed["consent"]:
            text = (
                f"{self.removed['consent']} generated sentences about consent were removed. Consent is "
                f"documented from the "
                "recorded event only."
            )
            notices.append(Notice(code="consent.removed", text=text))
        if self.duplicates:
            notices.append(
                Notice(code="duplicates.removed", text=f"{self.duplicates} repeated sentences were removed.")
            )
        for section in self._order.form.sections:
            if section.required and not self._statements[section.name]:
                text = f"The section {section.title} is required and empty: the draft found nothing for it."
                notices.append(Notice(code=f"section.empty.{section.name}", text=text))
        wanted = self._order.form.grade_level
        if wanted is not None and self._order.language.split("-")[0] == "en":
            grade = reading_grade(tuple(statement.text for statement in self._all()))
            if grade is not None and grade > wanted:
                text = f"The text reads at US school grade {grade:g} (Flesch-Kincaid); wanted: {wanted}."
                notices.append(Notice(code="reading.grade", text=text))
        return notices
