"""Vercel, standing in: it really builds apps, really starts them, and has a switch before each production domain.

standin.py    the API: who may ask, pushes, what goes on for as long as it is served
deployments.py, projects.py    its routes, and what they refuse
answers.py    the shapes of its answers
account.py    what it knows: projects, deployments, names
logs.py       what builds said
deploying.py  an order or a push -> build -> ready, at an address of its own
building.py   a build: clone, install, build command; another may be handed in
build_faults.py    builds that fail, are slow or are blocked when they are told to
waking.py     which deployments run: production's always, a preview when it is asked
hosting.py    processes that serve deployments, each on a port of its own
retention.py  what stays of deployments, and how many
moving.py     promotions and rollbacks, which it does in its own time
"""

from ci.rehearsal.vercel.account import Project
from ci.rehearsal.vercel.build_faults import BuildFault
from ci.rehearsal.vercel.building import Build, BuildFailedError, Order, Site, pnpm
from ci.rehearsal.vercel.hosting import Host, Processes
from ci.rehearsal.vercel.standin import Vercel

__all__ = ["Build", "BuildFailedError", "BuildFault", "Host", "Order", "Processes", "Project", "Site", "Vercel", "pnpm"]
