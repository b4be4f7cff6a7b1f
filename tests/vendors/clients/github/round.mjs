// A round through the stand-in with GitHub's own client: node round.mjs ADDRESS OWNER/NAME AUTHOR REVIEWER APP SHA
// Prints one JSON object of what the client made of the answers.
import { Octokit } from "@octokit/rest"

const [address, slug, authorToken, reviewerToken, appToken, sha] = process.argv.slice(2)
const [owner, repo] = slug.split("/")
const log = { debug() {}, info() {}, warn: console.error, error() {} }
const client = (auth) => new Octokit({ auth, baseUrl: address, log })
const [author, reviewer, app] = [authorToken, reviewerToken, appToken].map(client)
const here = { owner, repo }
const refusal = async (asking) => {
  try {
    await asking
  } catch (error) {
    return [error.status, error.message]
  }
  return null
}
const told = {}

told.login = (await author.rest.users.getAuthenticated()).data.login
told.default = (await author.rest.repos.get(here)).data.default_branch
told.head = (await author.rest.git.getRef({ ...here, ref: "heads/main" })).data.object.sha
await author.rest.git.createRef({ ...here, ref: "refs/heads/shipway/x", sha })
told.stale = await refusal(author.rest.git.updateRef({ ...here, ref: "heads/main", sha: (await author.rest.repos.getBranch({ ...here, branch: "behind" })).data.commit.sha }))
const content = Buffer.from("written by a client\n").toString("base64")
const put = await author.rest.repos.createOrUpdateFileContents({ ...here, path: "a/b.txt", message: "A file", content, branch: "shipway/x" })
told.put = put.status
const read = await author.rest.repos.getContent({ ...here, path: "a/b.txt", ref: "shipway/x" })
told.read = Buffer.from(read.data.content, "base64").toString()
told.compared = (await author.rest.repos.compareCommitsWithBasehead({ ...here, basehead: "main...shipway/x" })).data.status

const pull = (await author.rest.pulls.create({ ...here, head: "shipway/x", base: "main", title: "From a client" })).data
told.again = await refusal(author.rest.pulls.create({ ...here, head: "shipway/x", base: "main", title: "Again" }))
const number = pull.number
told.first = pull.mergeable
for (let turn = 0; turn < 100 && told.mergeable == null; turn++) {
  await new Promise((done) => setTimeout(done, 50))
  told.mergeable = (await author.rest.pulls.get({ ...here, pull_number: number })).data.mergeable
}
told.unreviewed = await refusal(author.rest.pulls.merge({ ...here, pull_number: number }))
told.own = await refusal(author.rest.pulls.createReview({ ...here, pull_number: number, event: "APPROVE" }))
told.review = (await reviewer.rest.pulls.createReview({ ...here, pull_number: number, event: "APPROVE" })).data.state
told.files = (await author.rest.pulls.listFiles({ ...here, pull_number: number })).data.map((file) => file.filename)
told.behind = await refusal(author.rest.pulls.merge({ ...here, pull_number: number, sha }))
told.merged = (await author.rest.pulls.merge({ ...here, pull_number: number, merge_method: "squash" })).data.merged

for (let turn = 0; turn < 7; turn++) {
  await author.rest.issues.create({ ...here, title: `issue ${turn}`, labels: ["shipway"] })
}
const pages = author.paginate(author.rest.issues.listForRepo, { ...here, labels: "shipway", per_page: 3 })
told.issues = (await pages).map((issue) => issue.title)
const issue = { ...here, issue_number: number + 1 }
told.comment = (await author.rest.issues.createComment({ ...issue, body: "Look." })).data.user.login
told.labels = (await author.rest.issues.addLabels({ ...issue, labels: ["web"] })).data.map((label) => label.name)
told.closed = (await author.rest.issues.update({ ...issue, state: "closed" })).data.state_reason

const status = { ...here, sha, state: "success", context: "ci" }
told.status = (await author.rest.repos.createCommitStatus(status)).data.context
told.combined = (await author.rest.repos.getCombinedStatusForRef({ ...here, ref: sha })).data.state
told.denied = await refusal(author.rest.checks.create({ ...here, name: "shipway", head_sha: sha }))
const run = (await app.rest.checks.create({ ...here, name: "shipway", head_sha: sha, status: "in_progress" })).data
told.run = (await app.rest.checks.update({ ...here, check_run_id: run.id, conclusion: "success" })).data.status
const deployment = (await author.rest.repos.createDeployment({ ...here, ref: sha, environment: "staging", auto_merge: false, required_contexts: [] })).data
await author.rest.repos.createDeploymentStatus({ ...here, deployment_id: deployment.id, state: "success" })
const states = await author.rest.repos.listDeploymentStatuses({ ...here, deployment_id: deployment.id })
told.deployed = states.data.map((each) => each.state)
told.dispatched = (await author.rest.repos.createDispatchEvent({ ...here, event_type: "shipway" })).status
told.limit = (await author.rest.rateLimit.get()).data.resources.core.limit
told.deleted = (await author.rest.git.deleteRef({ ...here, ref: "heads/behind" })).status
told.none = await refusal(author.rest.repos.getBranch({ ...here, branch: "behind" }))
told.stranger = await refusal(client("no-such-token").rest.users.getAuthenticated())
console.log(JSON.stringify(told))
