"""Models in the source: tables, their locations, modules and imports."""
