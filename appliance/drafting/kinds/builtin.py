"""Our template of each document kind, read from the JSON files beside this module."""

from functools import cache
from importlib.resources import files

from appliance.clinical.document import DocumentKind
from appliance.drafting.kinds.template import Template, load_template


@cache
def built_in(kind: DocumentKind) -> Template:
    """Return our template for this kind."""
    name = f"{kind.value}.json"
    return load_template((files(__package__) / name).read_bytes(), name=name)
