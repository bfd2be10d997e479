"""The refusals of access: one closed table of codes, so that no refusal can carry what was sent."""

from appliance.errors import RefusedError

_SIGN_IN = "sign in again with the practice's identity provider"
_ASK = "ask the practice's administrator for the role, or the encounter's owner to be added to its team"
_REPAIR = "the operator must repair the access configuration of this box"

# code: (HTTP status, what is wrong, what to do next)
REFUSALS: dict[str, tuple[int, str, str]] = {
    "token-missing": (401, "no bearer token was sent", _SIGN_IN),
    "token-too-large": (401, "the token is larger than 8 KiB", "let the identity provider send fewer claims"),
    "token-malformed": (401, "the token is no signed JSON Web Token", _SIGN_IN),
    "token-algorithm": (401, "the token's algorithm is not one that its key and this box allow", _REPAIR),
    "token-issuer": (401, "the token's issuer is not one that this box knows", _REPAIR),
    "token-key-unknown": (401, "the token names no key that this box knows for its issuer", _REPAIR),
    "token-signature": (401, "the token's signature is wrong", _SIGN_IN),
    "token-incomplete": (401, "the token lacks a claim that this box requires", _REPAIR),
    "token-claim": (401, "a claim of the token is not of the form that this box requires", _REPAIR),
    "token-audience": (401, "the token was issued for another service", _REPAIR),
    "token-expired": (401, "the token has expired", _SIGN_IN),
    "token-not-yet-valid": (401, "the token is not valid yet", "compare the clocks of box and identity provider"),
    "token-lifetime": (401, "the token lives longer than this box allows", "shorten the identity provider's tokens"),
    "token-revoked": (401, "the token, its session or its subject was revoked", _SIGN_IN),
    "session-expired": (401, "the session ended: too long without activity, or too long since sign-in", _SIGN_IN),
    "no-role": (403, "the token gives no role on this box", _ASK),
    "sessions-full": (503, "too many sessions are open", "try again in some minutes"),
    "keys-unavailable": (503, "the issuer's keys cannot be read", _REPAIR),
    "revocations-unavailable": (503, "the revocation list cannot be read", _REPAIR),
    "role": (403, "none of the roles may do this", _ASK),
    "not-in-team": (403, "only the encounter's care team may do this", _ASK),
    "not-owner": (403, "only the encounter's owner may do this", _ASK),
    "grant-does-not-cover": (403, "break-glass opens an encounter for reading, not for this", _ASK),
    "grant-expired": (403, "the break-glass access to this encounter has ended", "open it again, with a reason"),
    "document-state": (403, "the role may do this only in another state of the document", "wait for the review"),
    "document-kind": (403, "the role may do this only with front-desk templates", _ASK),
    "no-encounter": (403, "this can be decided only for a given encounter", "name the encounter"),
    "mfa-required": (403, "this needs a sign-in with more than one factor", _SIGN_IN),
    "npi-required": (403, "this needs a National Provider Identifier in the token", _REPAIR),
    "console-cannot-sign": (403, "the box's console cannot sign or break the glass for a clinician", _SIGN_IN),
    "break-glass-reason": (422, "the reason is too short, too long or holds control characters", "state the reason"),
}  # fmt: skip


class AccessError(RefusedError):
    """Access was refused. `code` is a key of REFUSALS; `status` and `detail` come from there, never from the request.

    `detail` goes into the problem document, `hint` is the next action. Nothing of a token or a header is kept.
    `action` is what was wanted, in the words of `Action`, where a decision about one was made.
    """

    def __init__(self, code: str, *, action: str | None = None) -> None:
        status, detail, hint = REFUSALS[code]
        super().__init__(detail, hint=hint)
        self.code, self.action = code, action
        self.status = status
        self.detail = detail
