"""A live database against the code: which revision it is at, what is wrong with it, how to fix it.

Nothing here writes to the live database, and the project's code never connects to it: it runs in
scratch databases, and the two are compared as their servers describe them.
"""
