// Drives the stand-in with Linear's own library. node round.mjs ADDRESS KEY ID
import { LinearClient } from "@linear/sdk";

const [address, apiKey, id] = process.argv.slice(2);
const linear = new LinearClient({ apiKey, apiUrl: `${address}/graphql` });
const told = {};

async function refusal(what) {
  try {
    await what();
    return "nothing";
  } catch (error) {
    return [error.constructor.name.replace(/\$\d+$/, ""), error.type, error.errors?.[0]?.message];
  }
}

told.viewer = (await linear.viewer).name;
const team = (await linear.teams({ first: 1, filter: { key: { eq: "REC" } } })).nodes[0];
told.team = [team.key, team.name];
const states = await linear.workflowStates({ first: 50, filter: { team: { id: { eq: team.id } } } });
const done = states.nodes.find(({ type }) => type === "completed");
told.states = states.nodes.length;

const label = await (await linear.createIssueLabel({ name: "bug", teamId: team.id })).success;
told.label = label;
const labels = await linear.issueLabels({ first: 50, filter: { name: { eq: "bug" } } });

const made = await linear.createIssue({
  id,
  teamId: team.id,
  title: "It is ill",
  description: "**Why**",
  priority: 2,
  labelIds: [labels.nodes[0].id],
});
told.made = [made.success, made.issueId === id];
const issue = await linear.issue(id);
told.issue = [issue.identifier, issue.title, issue.priorityLabel, (await issue.state).name, issue.reactions.length];
told.labels = (await issue.labels({ first: 10 })).nodes.map(({ name }) => name);

told.comment = (await linear.createComment({ issueId: id, body: "It is back." })).success;
told.linked = (await linear.attachmentLinkURL(id, "https://a.test/1", { title: "Sentry" })).success;
const attachments = await linear.attachmentsForURL("https://a.test/1", { first: 10 });
told.found = [attachments.nodes[0].title, (await attachments.nodes[0].issue).identifier];
await linear.updateIssue(id, { stateId: done.id });
const open = { first: 10, filter: { state: { type: { nin: ["completed", "canceled"] } } } };
told.open = (await linear.issues(open)).nodes.length;

for (let number = 0; number < 5; number += 1) await linear.createIssue({ teamId: team.id, title: `${number}` });
let page = await linear.issues({ first: 2 });
let seen = page.nodes.length;
while (page.pageInfo.hasNextPage) {
  page = await linear.issues({ first: 2, after: page.pageInfo.endCursor });
  seen += page.nodes.length;
}
told.seen = seen;

told.none = await refusal(() => linear.issue("REC-99"));
told.twice = await refusal(() => linear.createIssue({ id, teamId: team.id, title: "again" }));
const stranger = new LinearClient({ apiKey: "lin_api_none", apiUrl: `${address}/graphql` });
told.stranger = await refusal(() => stranger.viewer);
console.log(JSON.stringify(told));
