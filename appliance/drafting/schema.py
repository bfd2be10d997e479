"""The JSON schema of an answer: the sections that the model writes, each an array of single sentences."""

from typing import Any

from appliance.drafting.kinds import Template


def asked_sections(template: Template, filled: frozenset[str]) -> tuple[str, ...]:
    """Return the names of the sections that the model is asked for; `filled` come from structured facts."""
    return tuple(
        section.name for section in template.sections if section.origin != "consent" and section.name not in filled
    )


def answer_schema(template: Template, asked: tuple[str, ...]) -> dict[str, Any]:
    """Return the schema: every asked section, in the template's order, and nothing else."""
    return {
        "type": "object",
        "properties": {
            name: {
                "type": "array",
                "maxItems": template.section(name).max_statements,
                "items": {"type": "string", "minLength": 1, "maxLength": template.section(name).max_chars},
            }
            for name in asked
        },
        "required": list(asked),
        "additionalProperties": False,
    }
