"""One file per stage: what of the repository it verifies, as Checks, and how each is judged.

Every stage is a function from a Context (the workspace as read, the settings) to a Plan. Nothing is run
here: judges are pure functions over what an executor brought back. catalogue.py puts the seven together.
"""
