"""History replay: the tool's verdict on each commit of a project against brute force."""
