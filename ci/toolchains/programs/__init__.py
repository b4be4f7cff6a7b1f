"""Programs that run in the project's world, as commands on PATH. They import nothing from Shipway."""
