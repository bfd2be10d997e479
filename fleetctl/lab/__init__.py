"""The lab: virtual sites with UEFI, Secure Boot and a software TPM, booted from the same image as a real server."""
