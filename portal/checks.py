"""System checks of insecure or incomplete settings."""
