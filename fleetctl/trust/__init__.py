"""Keys of a fleet: passphrase, key directory, certificate authority, escrow, SSH agent."""
