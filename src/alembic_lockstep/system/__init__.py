"""The machine's bad circumstances: limits, closed streams, devices in place of files, locks."""
