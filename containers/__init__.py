"""The cached container recipes: one file per toolchain, the images that they start from in images.toml.

    images.toml   every image by its tag, and nothing else about it
    images.py     the reading of it, and the mirror that takes their place
    furniture.py  what of Shipway itself goes into each: the warden, the commands
    pnpm.py       Node, pnpm and what every other one builds on
    playwright.py browsers, by the repository's own Playwright
    lighthouse.py Lighthouse and dependency-cruiser, by Shipway's own lock files
    postgres.py   a server beside a check, and what asks it about row-level security

A recipe is a function from a client of the engine to a container. It imports no Dagger: it is handed one.
"""
