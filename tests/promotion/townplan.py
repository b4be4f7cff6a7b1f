"""What the small town is made of: its server, its shipway.toml, its secrets."""

from __future__ import annotations

from ci.rehearsal import sentry
from ci.rehearsal.github import APP, SLUG
from tests.rehearsal.vercel_world import TOKEN
from tests.vendors.subjects import neon, stripe

APPS = ("api", "web")
SECRETS = {
    "github": APP.token,
    "vercel": TOKEN,
    "neon": neon.KEY,
    "staging-stripe": stripe.TEST,
    "production-stripe": stripe.LIVE,
    "sentry": sentry.TOKEN,
    "staging-hook": "whsec_of-staging-0123456789",
    "production-hook": "whsec_of-production-012345",
    "production-database": "postgres://owner:secret@db.example/receipts",
}
SKIPPED = "staging is no part of this"  # why a promotion to production goes without its soak
SERVER = """
import http.server, json, os, threading, time
LIST, READ, MERCHANT = 0.005, 0.0, "Corner Bakery"
BROKEN = ""
STAGE, OUTAGES = os.environ.get("STAGE"), os.environ.get("OUTAGES", "")
OWN = os.environ.get("VERCEL_GIT_COMMIT_SHA")
def works(point, host):
    at = os.path.join(OUTAGES, f"{OWN}-at")  # where users are, and nowhere else
    out = any(os.path.exists(os.path.join(OUTAGES, name)) for name in ("all", OWN))
    out = out or (os.path.exists(at) and host in open(at).read().split())
    return STAGE != "production" or not (out or point in BROKEN.split())
def kept(name):
    at = os.path.join(OUTAGES, name)
    return json.load(open(at)) if os.path.exists(at) else {}
BEGAN, DROPPED = [], threading.Lock()
class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        known = {"commit": "VERCEL_GIT_COMMIT_SHA", "api": "API_URL"}
        time.sleep(LIST if self.path == "/list" else 0)
        host = self.headers.get("x-forwarded-host")
        own = kept(f"{OWN}.json")  # how it is to behave where users are
        if host in own.get("at", ()):
            BEGAN.append(time.time())
            time.sleep(max(0, BEGAN[0] + own.get("cold", 0) - time.time()))
            time.sleep(own.get("slow", 0) if self.path == "/list" else 0)
            if self.path.startswith("/smoke/") and own.get("drops") and DROPPED.acquire(blocking=False):
                return self.answer({"half": "an answer"}, whole=False)
            if own.get("says") and self.path == "/version":
                return self.answer({"commit": own["says"]})
        if self.path.startswith("/requests?"):
            since, until = (float(part.partition("=")[2]) for part in self.path.partition("?")[2].split("&"))
            seen = [each for each in kept("requests") or [] if since <= each[0] < until]
            return self.answer({"requests": sum(each[1] for each in seen), "slow": sum(each[2] for each in seen)})
        if self.path == "/closed":
            return self.answer({}, 401 if works("auth", host) else 200)
        if self.path.startswith("/smoke/") and not works(self.path.removeprefix("/smoke/"), host):
            return self.answer({}, 500)
        self.answer({name: os.environ.get(each) for name, each in known.items()})
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        time.sleep(READ)
        self.answer({"read": {"merchant": MERCHANT}})
    def answer(self, told, status=200, whole=True):
        body = json.dumps(told).encode()
        kind, size = "content-type: application/json", f"content-length: {len(body)}"
        head = f"HTTP/1.1 {status} said\\r\\n{kind}\\r\\n{size}\\r\\n\\r\\n"
        self.wfile.write(head.encode() + (body if whole else body[:3]))
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer.request_queue_size = 64  # more at once than that would be answered a second later
http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Server).serve_forever()
"""
FIRST = "create table receipts (id int, merchant text);\n"
SETTINGS = f"""
[github]
repository = "{SLUG}"
login = "{APP.login}"
token = "file://{{secrets}}/github"
address = "{{github}}"

[[apps]]
name = "api"
path = "."
serves = {{{{ path = "/version" }}}}

[[apps]]
name = "web"
path = "."
needs = ["api"]
serves = {{{{ path = "/version" }}}}
variables = {{{{ API_URL = "{{{{api}}}}" }}}}

[stages.e2e.tier2]
app = "web"

[migrations]
directory = "migrations"
command = ["true"]

[benchmarks]
app = "api"
pairs = 20
[[benchmarks.routes]]
name = "list"
path = "/list"

[extraction]
app = "api"
path = "/read"
fields = {{{{ merchant = "read.merchant" }}}}
target = 3.0
[[extraction.samples]]
file = "sample.txt"
expect = {{{{ merchant = "Corner Bakery" }}}}

[promotion]
soak = {{soak}}
repeat = {{soak}}
approval = "{{approval}}"
rollbacks_apart = {{apart}}

[environments.staging]
addresses = {{{{ api = "{{api}}", web = "{{web}}" }}}}
configured = {{{{ auth = "https://staging.example", webhooks = {{{{ STRIPE = "file://{{secrets}}/staging-hook" }}}} }}}}

[environments.staging.stripe]
key = "file://{{secrets}}/staging-stripe"
address = "{{stripe}}"

[environments.staging.sentry]
token = "file://{{secrets}}/sentry"
organization = "acme"
projects = ["api"]
address = "{{sentry}}"
{{dsn}}

[environments.production]
[environments.production.configured]
auth = "https://example"
webhooks = {{{{ STRIPE = "file://{{secrets}}/production-hook" }}}}
database = "file://{{secrets}}/production-database"

[environments.production.stripe]
key = "file://{{secrets}}/production-stripe"
address = "{{stripe}}"

[environments.staging.neon]
project = "{neon.PROJECT}"
token = "file://{{secrets}}/neon"
address = "{{neon}}/api/v2"

[environments.staging.vercel]
token = "file://{{secrets}}/vercel"
team = "team_rehearsal"
projects = {{{{ api = "api", web = "web" }}}}
address = "{{vercel}}"
"""


LIVE_PROJECT = "quiet-sun-100001"  # production's own, at Neon
LIVE_NEON = f"""
[environments.production.neon]
project = "{LIVE_PROJECT}"
token = "file://{{secrets}}/neon"
address = "{{neon}}/api/v2"
"""
POINTS = ("health", "auth", "database", "files", "ai", "email", "payments")
LIVE = (
    """
[[smoke]]
name = "closed"
point = "auth"
app = "api"
requests = [{{ path = "/closed", status = 401 }}]
within = {within}
"""
    + "".join(
        f"""
[[smoke]]
name = "{point}"
point = "{point}"
app = "api"
requests = [{{{{ path = "/smoke/{point}" }}}}]
within = {{within}}
"""
        for point in POINTS
    )
    + """
[watch]
warm_up = 0.1
window = {window}
extended = {extended}
looks = 4
armed = {armed}
every = 0.5
lag = 0.1
alive = 5.0
app = "api"
spans = false
routes = [{{ name = "list", path = "/list" }}]

[environments.production.addresses]
api = "{live-api}"
web = "{live-web}"

[environments.production.vercel]
token = "file://{secrets}/vercel"
team = "team_rehearsal"
projects = {{ api = "live-api", web = "live-web" }}
address = "{vercel}"

[environments.production.sentry]
token = "file://{secrets}/sentry"
organization = "acme"
projects = ["api"]
address = "{sentry}"
dsn = "file://{secrets}/dsn"
"""
)
