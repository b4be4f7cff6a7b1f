"""Vercel: deployments, who is sent to which of them, and the way back. https://vercel.com/docs/rest-api.

client.py     the calls
values.py     what comes back
building.py   orders for builds
moving.py     promotions and rollbacks, which Vercel does in its own time
platform.py   Vercel as a Platform
"""

from ci.vendors.vercel.client import ADDRESS, Vercel, connect
from ci.vendors.vercel.platform import VercelPlatform
from ci.vendors.vercel.values import Project

__all__ = ["ADDRESS", "Project", "Vercel", "VercelPlatform", "connect"]
