"""What a practice sets itself: vocabulary for the recogniser, templates for documents. Each change is a version."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path
from pydantic import BaseModel, ConfigDict, ValidationError

from appliance.contract.audit import Tool
from appliance.drafting.kinds.template import MAX_TEMPLATE_BYTES, Template, TemplateSection, load_template
from appliance.errors import UsageError
from appliance.gateway import practice
from appliance.gateway.api import PracticeAnswer, Vocabulary
from appliance.gateway.auth.actions import Action
from appliance.gateway.auth.policy import may
from appliance.gateway.auth.principal import Principal
from appliance.gateway.core import Core
from appliance.gateway.opening import not_found
from appliance.gateway.practice import Setting
from appliance.gateway.routes.caller import Caller, TheCore
from appliance.gateway.trail import Act, actor_of
from appliance.problems import ProblemError

router = APIRouter(prefix="/v1/practice", tags=["practice"])
Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")]


class TemplateNames(BaseModel):
    """The practice's templates."""

    model_config = ConfigDict(frozen=True)
    names: tuple[str, ...]


def _answer(found: Setting) -> PracticeAnswer:
    return PracticeAnswer(name=found.name, version=found.version, at=found.at, value=found.value)


def _wrong(given: dict[str, Any]) -> str:
    """Return what is wrong with a template, place by place. A key that the client made up is not repeated."""
    known = {*Template.model_fields, *TemplateSection.model_fields}
    try:
        Template.model_validate_json(json.dumps(given), strict=True)
    except ValidationError as error:
        places = [
            f"{'.'.join(str(step) if isinstance(step, int) or step in known else '?' for step in one['loc'])}: "
            f"{one['msg'] if one['type'] == 'value_error' else one['type']}"
            for one in error.errors(include_input=False, include_url=False)
        ]
        return "; ".join(places[:10])[:1000]
    return "it is nested too deeply, or holds a number that is none"


def _store(core: Core, caller: Principal, name: str, value: Any, act: Act) -> Setting:
    may(caller, Action.CONFIGURE, None, now=datetime.now(UTC)).require()
    with core.database.write() as connection:
        stored = practice.change(connection, name, value, caller.member_id, datetime.now(UTC))
        core.trail.append(actor_of(caller), act)
    return stored


@router.get("/vocabulary", summary="Show the practice's vocabulary")
def vocabulary(caller: Caller, core: TheCore) -> PracticeAnswer:
    """Terms that the recogniser is told to expect."""
    with core.database.read() as connection:
        found = practice.current(connection, practice.VOCABULARY)
    return _answer(found)


@router.put("/vocabulary", summary="Set the practice's vocabulary")
def set_vocabulary(given: Vocabulary, caller: Caller, core: TheCore) -> PracticeAnswer:
    """Drug and clinician names. Numerals stay as they were spoken: where the terms change one, it is flagged."""
    act = Act("practice.vocabulary_set", numbers={"terms": len(given.terms)})
    return _answer(_store(core, caller, practice.VOCABULARY, list(given.terms), act))


@router.get("/templates", summary="List the practice's templates")
def templates(caller: Caller, core: TheCore) -> TemplateNames:
    """The built-in ones are not among them."""
    with core.database.read() as connection:
        names = practice.names(connection, "template.")
    return TemplateNames(names=tuple(name.removeprefix("template.") for name in names))


@router.get("/templates/{name}", summary="Show a template")
def template(name: Name, caller: Caller, core: TheCore) -> PracticeAnswer:
    """As it is now."""
    with core.database.read() as connection:
        found = practice.current(connection, f"template.{name}")
    if found.value is None:
        raise not_found("template")
    return _answer(found)


@router.put("/templates/{name}", summary="Set a template")
def set_template(name: Name, given: Annotated[dict[str, Any], Body()], caller: Caller, core: TheCore) -> PracticeAnswer:
    """Checked as a whole: sections, guidance that asks for nothing that must not be drafted."""
    data = json.dumps(given).encode()
    if len(data) > MAX_TEMPLATE_BYTES:
        raise ProblemError(413, "too-large", "Too large", f"a template has at most {MAX_TEMPLATE_BYTES} bytes")
    try:
        found: Template = load_template(data, name="the template")
    except UsageError as error:
        raise ProblemError(422, "template", "The template is not valid", _wrong(given), hint=error.hint) from None
    act = Act(
        "practice.template_set", tools=(Tool(kind="template", name=found.reference, digest=found.sha256),)
    )  # fmt: skip
    return _answer(_store(core, caller, f"template.{name}", found.model_dump(mode="json"), act))
