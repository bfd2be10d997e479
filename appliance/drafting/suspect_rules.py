"""The patterns of text that addresses software, in lower case. Each has a name that says what it asks for.

Measured on the 16,111 lines of the development visits (ACI-Bench, MTS-Dialog): see docs/design/drafting.md. A pattern
that ordinary visits match often ("use my exam template", "put that in the chart") does not belong here.
"""

import re

_TARGET = (
    r"(?:instructions?|prompts?|rules?|guidelines|directives?|constraints|policy|policies|training|template|guardrails"
    r"|schema|programming|messages?|everything (?:above|before)|what(?:ever)? (?:you were told|is above))\b"
)
_MACHINE = (
    r"(?:ai|a\.i\.|assistant|(?:large )?language model|llm|chat ?bot|chatgpt|gpt|model|ai system"
    r"|drafting system|software"
    r"|ai scribe|note ?writer|documentation (?:tool|engine|system)|drafting (?:tool|engine))\b"
)
_SECTIONS = (
    r"(?:json|section|schema|document kind|document type|note type|fence|delimiter|placeholder|array|code block"
    r"|template)"
)
_PROMPT = (
    r"(?:system prompt|your (?:prompt|instructions|rules|guidelines)|the prompt|hidden (?:text|instructions)"
    r"|(?:text|words|everything) above|initial instructions|secret mark|fence)\b"
)
_PATTERNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "override",
        (
            r"\b(?:ignore|disregard|forget|override|bypass|discard|overrule|disobey|suspend|stop "
            r"following|do not follow"
            r"|don't follow|pay no attention to)\b[^.\n]{0,60}\b" + _TARGET,
            r"\b(?:new|updated|revised|higher[- ]priority|secret) (?:system )?" + _TARGET + r" ?(?:[:.]|are|is|follow)",
            r"\b(?:ignor[ae]|olvida|omite|desobedece)\b[^.\n]{0,60}\b(?:instrucciones|reglas|órdenes|indicaciones)",
            r"\b(?:ignorez?|oubliez?)\b[^.\n]{0,60}\b(?:instructions|consignes|règles)",
            r"\bignoriere\b[^.\n]{0,60}\banweisung|忽略|無視して|이전 지시|игнорируй",
        ),
    ),
    (
        "role",
        (
            r"(?:^|[\n.:|\]»\"'-])\s*\(?/?(?:system|assistant|developer|tool)\)?\s*(?:message|prompt|note|role|override"
            r"|update|notice)?\s*[:>›|]",
            r"\byou are (?:now|no longer|from now on|an? (?:unrestricted|evil|jailbroken|different))\b|\bact as an?\b"
            r"|\bpretend (?:to be an?|that you|you are)\b|\broleplay\b|\bdeveloper mode\b|\bdo "
            r"anything now\b|\bjailbr[eo]",
            r"\b(?:im_start|im_end|start_header_id|end_header_id|eot_id|begin_of_text|end_?of_?text|start_of_turn"
            r"|end_of_turn|tool_calls?|function_call|available_tools)\b",
            r"[\[(]/?(?:inst|sys|system_prompt)[\])]|<</?sys>>|<[|｜]|</?s>|</?(?:think|system|assistant|user|tool)>"
            r"|### ?(?:instruction|system|response|human|assistant)",
        ),
    ),
    (
        "addressed",
        (
            r"\b(?:to|hey|dear|hello|attention|note to|message to|for) (?:the |all |any |our )?(?:ambient |drafting )?"
            + _MACHINE
            + r"[^.\n]{0,20}[,:!-]",
            r"\b(?:the |this )?"
            + _MACHINE
            + r" (?:must|should|shall|has to|needs to|is (?:required|instructed|ordered) to)\b",
            r"\b(?:if|as|since) (?:you are )?an? " + _MACHINE,
            r"\bwhen (?:you )?(?:summari[sz]e|draft|write|generate|summari[sz]ing|drafting|generating) (?:this|the)\b",
        ),
    ),
    (
        "output",
        (
            r"\b(?:output|respond|reply|answer|print|return|emit)\b[^.\n]{0,40}\b(?:json|xml|yaml"
            r"|markdown|html|verbatim"
            r"|tool call|base64|only with|the (?:word|phrase|text)|in the format)\b",
            r"\b(?:rename|remove|delete|replace|change|switch|add|close|drop|leave out|invent)\b[^.\n]{0,40}\b"
            r"(?:the |a |an |this |every )?" + _SECTIONS + r"s?\b",
            r"[\"”]\s*[\]}]\s*[,}\]]|[{\[]\s*[\"“][a-z_]+[\"”]\s*:",
            r"\bend (?:of )?(?:the |all )*(?:sources?|transcript|data|document|input)\b"
            r"|\bbegin (?:source|instructions|system)\b",
            r"\b(?:call|use|invoke|run) the [\w ]{0,20}(?:tool|function)\b|\bdocument[_ ](?:kind|type) ?[:=]",
        ),
    ),
    (
        "reveal",
        (
            r"\b(?:reveal|repeat|print|show|disclose|display|leak|tell me|what (?:is|are|were)|write out|copy|recite"
            r"|translate|encode|include|paste|quote)\b[^.\n]{0,60}\b" + _PROMPT,
        ),
    ),
    (
        "dictated",
        (
            r"(?:^|[.!?:;\"] |\bplease |\bmust |\bthen |\balways )(?:write|state|document|record|insert"
            r"|append|claim|add)\b"
            r"[^.\n]{0,30}\b(?:that (?:the )?(?:patient|clinician|family|mother)|(?:in|to) the "
            r"(?:note|plan|assessment|letter"
            r"|summary|draft|history|timeline|appeal|template|problem list))\b",
            r"\b(?:prescribe|order|give|start)\b[^.\n]{0,60}\b(?:regardless|no matter|without "
            r"(?:asking|review|verification))",
        ),
    ),
    (
        "policy",
        (
            r"\b(?:without|skip|bypass|disable|turn off|suppress|omit|no need "
            r"for)\b[^.\n]{0,30}\b(?:sign[- ]?off|signature"
            r"|grounding|verification|disclaimers?|audit|safety checks?|filters?|clinician review)\b",
            r"\b(?:mark|treat|flag|approve|sign|finali[sz]e|release|attest)\b[^.\n]{0,40}\b(?:as (?:signed|verified"
            r"|supported|reviewed|final|approved|grounded)|automatically|on (?:my|the doctor's) behalf)\b",
            r"\b(?:admin(?:istrator)?|root|debug|maintenance|sudo) (?:mode|override|access|command|privileges?)\b",
        ),
    ),
)  # fmt: skip
RULES = tuple((name, re.compile(pattern)) for name, patterns in _PATTERNS for pattern in patterns)
