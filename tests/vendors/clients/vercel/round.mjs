// Vercel's own SDK against the address, token, team and project that it is given; prints what it made of the answers.
import { Vercel } from '@vercel/sdk';

const [address, token, teamId, project, commit] = process.argv.slice(2);
const vercel = new Vercel({ serverURL: address, bearerToken: token });
const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

const { user } = await vercel.user.getAuthUser();
const found = await vercel.projects.getProject({ idOrName: project, teamId });
const before = found.targets.production.id;
const { domains } = await vercel.projects.getProjectDomains({ idOrName: project, teamId });
await vercel.projects.updateProject({
  idOrName: project,
  teamId,
  requestBody: { autoAssignCustomDomains: false },
});
const made = await vercel.deployments.createDeployment({
  teamId,
  forceNew: '1',
  requestBody: {
    name: project,
    project: found.id,
    target: 'production',
    gitSource: { type: 'github', repoId: found.link.repoId, ref: 'main', sha: commit },
    meta: { by: 'sdk' },
  },
});
let built = made;
while (!['READY', 'ERROR'].includes(built.readyState)) {
  await pause(0.05);
  built = await vercel.deployments.getDeployment({ idOrUrl: made.id, teamId });
}
const events = await vercel.deployments.getDeploymentEvents({ idOrUrl: made.id, teamId, limit: -1 });

async function moved(to) {
  for (;;) {
    const { lastAliasRequest } = await vercel.projects.getProject({ idOrName: project, teamId });
    if (lastAliasRequest?.toDeploymentId === to && lastAliasRequest.jobStatus === 'succeeded') return lastAliasRequest.type;
    await pause(0.05);
  }
}
await vercel.projects.requestPromote({ projectId: found.id, deploymentId: made.id, teamId });
const promoted = await moved(made.id);
const listed = await vercel.deployments.getDeployments({ projectId: found.id, teamId, rollbackCandidate: true });
await vercel.projects.requestRollback({ projectId: found.id, deploymentId: before, teamId });
const rolledBack = await moved(before);
const alias = await vercel.aliases.getAlias({ idOrAlias: domains[0].name, teamId });
const aliases = await vercel.aliases.listAliases({ projectId: found.id, teamId });
const failed = await vercel.projects.listPromoteAliases({ projectId: found.id, teamId, failedOnly: true });
const after = await vercel.projects.getProject({ idOrName: project, teamId });
let refused;
try {
  await vercel.projects.requestRollback({ projectId: found.id, deploymentId: 'dpl_nothing', teamId });
} catch (error) {
  refused = { name: error.constructor.name, status: error.statusCode };
}
console.log(
  JSON.stringify({
    user: user.username,
    autoAssigned: found.autoAssignCustomDomains,
    built: built.readyState,
    meta: built.meta.by,
    events: events.map((event) => event.text),
    promoted,
    candidates: listed.deployments.map((each) => each.uid === before),
    rolledBack,
    serves: alias.deploymentId === before,
    aliases: aliases.aliases.length,
    failed: failed.aliases,
    production: after.targets.production.id === before,
    autoAssignedAfter: after.autoAssignCustomDomains,
    refused,
  }),
);
