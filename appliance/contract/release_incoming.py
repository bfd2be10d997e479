"""What a box answers before something is sent to it: where it may be written, and what a delta can start from.

`appliancectl release receive-prepare … -o json` writes one such document and changes nothing outside of `incoming/`.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from appliance.contract.model import ContractModel, Sha256Hex

BoxPath = Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9._+-]{1,255}){1,32}$", max_length=1024)]
"""An absolute path on the box. It becomes an argument of a program there, so that nothing else is accepted."""
PARTIAL_FOLDER = ".partial"
"""Where rsync on the box keeps a file that broke off, below the folder that it is sent to."""
EVALUATION_FOLDER = "evaluation"
"""In `incoming/`: evaluation sets, by their SHA-256."""


class IncomingImage(ContractModel):
    """How one image may be sent: as `images/ROOT_HASH.raw`."""

    root_hash: Sha256Hex
    basis: Annotated[BoxPath | None, Field(description="Folder with a file of the new name that a delta starts from.")]
    received_bytes: Annotated[int, Field(ge=0, description="Of an earlier transfer that broke off.")]
    appended_bytes: Annotated[int, Field(ge=0, description="Of the older image, behind what was received.")] = 0
    needed_bytes: Annotated[int, Field(ge=0, description="What the transfer takes of the volume.")]


class Incoming(ContractModel):
    """Where the three kinds of things are sent to."""

    schema_version: Literal["release-incoming/v1"] = "release-incoming/v1"
    repository: BoxPath
    images: BoxPath
    evaluation: BoxPath
    free_bytes: Annotated[int, Field(ge=0, description="Left on the volume, without what is kept for the services.")]
    image: IncomingImage | None = None
