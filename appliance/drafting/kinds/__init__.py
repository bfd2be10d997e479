"""The document kinds: a template for each, ours or a practice's."""

from appliance.drafting.kinds.builtin import built_in
from appliance.drafting.kinds.template import MAX_TEMPLATE_BYTES, Template, TemplateSection, load_template

__all__ = ["MAX_TEMPLATE_BYTES", "Template", "TemplateSection", "built_in", "load_template"]
