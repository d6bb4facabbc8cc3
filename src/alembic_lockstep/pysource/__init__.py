"""Python source, read and not run."""
