"""Git: repositories, trees, change sets, checkouts."""
