"""Where models stand in the source."""
