"""How good a release is: measured on an evaluation set at the site, compared with what runs, and signed."""
