"""The application as a server and Flask find it."""

from gallery.app import create_app

app = create_app()
