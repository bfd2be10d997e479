"""What a box answers before something is sent to it: where it may be written, and what a delta can start from.

`appliancectl release receive-prepare … -o json` writes one such document and changes nothing outside of `incoming/`.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, StringConstraints, model_serializer

from appliance.contract.model import ContractModel, Sha256Hex, left_out_if_empty

BoxPath = Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9._+-]{1,255}){1,32}$", max_length=1024)]
"""An absolute path on the box. It becomes an argument of a program there, so that nothing else is accepted."""
PARTIAL_FOLDER = ".partial"
"""Where rsync on the box keeps a file that broke off, below the folder that it is sent to."""
EVALUATION_FOLDER = "evaluation"
"""In `incoming/`: evaluation sets, by their SHA-256."""


class IncomingImage(ContractModel):
    """How one image may be sent: as `images/ROOT_HASH.raw`.

    `no_basis` is left out where it is empty, so that a fleetctl of before it reads this too.
    """

    root_hash: Sha256Hex
    basis: Annotated[BoxPath | None, Field(description="Folder with a file of the new name that a delta starts from.")]
    received_bytes: Annotated[int, Field(ge=0, description="Of an earlier transfer that broke off.")]
    appended_bytes: Annotated[int, Field(ge=0, description="A copy: of the older image, behind what was received.")] = 0
    needed_bytes: Annotated[int, Field(ge=0, description="What the transfer takes of the volume.")]
    no_basis: Annotated[
        str,
        StringConstraints(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$"),
        Field(description="Why what the box has is no basis; empty where it is, or has nothing."),
    ] = ""

    @model_serializer(mode="wrap")
    def _without_none(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return left_out_if_empty(handler(self), "no_basis")


class Incoming(ContractModel):
    """Where the three kinds of things are sent to."""

    schema_version: Literal["release-incoming/v1"] = "release-incoming/v1"
    repository: BoxPath
    images: BoxPath
    evaluation: BoxPath
    free_bytes: Annotated[int, Field(ge=0, description="Left on the volume, without what is kept for the services.")]
    image: IncomingImage | None = None
