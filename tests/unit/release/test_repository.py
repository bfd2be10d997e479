"""The repository from its first metadata to revoked releases, by the product's own keys and read by its own client."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from fleetctl.errors import ConfigError, RefusedError, UsageError, VerificationError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.release import repository
from fleetctl.release.repository_client import trusted
from fleetctl.release.repository_view import newest_approved, published
from fleetctl.release.store import ReleaseStore
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from tests.fakes.releases import NOW, Image, ReleaseFleet, SignedRepository, manifest, model_image, release_fleet
