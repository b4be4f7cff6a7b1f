"""`shipway-rls`: does row-level security keep two tenants apart? Its structure is read, then two tenants are tried.

    shipway-rls [--config FILE] --out FILE

Without `--config` the variable SHIPWAY_RLS_CONFIG holds the JSON itself.

    __main__.py    the command: settings in, report out
    settings.py    what it is told, read strictly
    catalog.py     tables, columns and constraints, read from Postgres' own catalog
    structure.py   the role, and each table's policies, without touching a row
    session.py     one transaction, never committed: now the owner, now the application's role with a tenant set
    rows.py        a row for a tenant, with all the rows that it needs
    values.py      what may stand in a column
    tenants.py     which two are tried
    target.py      the statements of a trial, on a table or a view
    trials.py      what one tenant can do to the other's row
    surfaces.py    what looks past the policies, read with the other's rows and without
    views.py       views, read and written through
    functions.py   SECURITY DEFINER functions
    lasting.py     whether the tenant outlives the transaction that set it
    report.py      what was found

It runs in Shipway's Python with psycopg and imports nothing else from Shipway.
"""
