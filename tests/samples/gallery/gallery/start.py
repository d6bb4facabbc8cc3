"""What the gallery writes and removes each time it starts."""

import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UPLOADS = ROOT / "uploads"
LOG = ROOT / "logs" / "gallery.log"
PID_FILE = ROOT / "run" / "gallery.pid"

#: Bytes. The log is so short that a start rotates it.
LOG_SIZE = 200


def clear_uploads():
    """Remove the uploads that a request left half done: at a start there are no others."""
    UPLOADS.mkdir(exist_ok=True)
    for file in UPLOADS.iterdir():
        file.unlink()


def open_log():
    """Write to a log of which the last three are kept."""
    LOG.parent.mkdir(exist_ok=True)
    handler = RotatingFileHandler(LOG, maxBytes=LOG_SIZE, backupCount=3)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger = logging.getLogger("gallery")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    for line in range(4):
        logger.info("gallery starts, step %d of 4, process %d", line + 1, os.getpid())


def write_pid():
    """Say which process serves the gallery."""
    PID_FILE.parent.mkdir(exist_ok=True)
    PID_FILE.write_text(f"{os.getpid()}\n")
