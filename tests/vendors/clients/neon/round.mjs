// An ordinary round with the vendor's own client: node round.mjs ADDRESS KEY PROJECT
import { createApiClient } from '@neondatabase/api-client';

const [address, apiKey, project] = process.argv.slice(2);
const neon = createApiClient({ apiKey, baseURL: address, proxy: false });
const told = {};

async function settle(operations) {
  for (const { id } of operations) {
    for (;;) {
      const { data } = await neon.getProjectOperation(project, id);
      if (data.operation.status === 'finished') break;
      if (!['scheduling', 'running'].includes(data.operation.status)) throw new Error(data.operation.status);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

told.user = (await neon.getCurrentUserInfo()).data.email;
told.project = (await neon.getProject(project)).data.project.name;
const created = await neon.createProjectBranch(project, {
  branch: { name: 'of-the-client' },
  endpoints: [{ type: 'read_write' }],
});
told.created = created.status;
await settle(created.data.operations);
const branch = created.data.branch.id;
const [endpoint] = (await neon.listProjectBranchEndpoints(project, branch)).data.endpoints;
told.state = (await neon.getProjectBranch(project, branch)).data.branch.current_state;
const found = await neon.listProjectBranches({ projectId: project, search: 'of-the' });
told.found = found.data.branches.map(({ name }) => name);
told.databases = (await neon.listProjectBranchDatabases(project, branch)).data.databases.map(({ name }) => name);
told.roles = (await neon.listProjectBranchRoles(project, branch)).data.roles.map(({ name }) => name);
const asked = { projectId: project, branch_id: branch, database_name: 'neondb', role_name: 'neondb_owner' };
told.uri = (await neon.getConnectionUri(asked)).data.uri;
await settle((await neon.suspendProjectEndpoint(project, endpoint.id)).data.operations);
told.idle = (await neon.listProjectBranchEndpoints(project, branch)).data.endpoints[0].current_state;
await settle((await neon.startProjectEndpoint(project, endpoint.id)).data.operations);
const deleted = await neon.deleteProjectBranch({ projectId: project, branchId: branch });
await settle(deleted.data.operations);
told.deleted = [deleted.status, (await neon.deleteProjectBranch({ projectId: project, branchId: branch })).status];
told.refused = await neon.getProjectBranch(project, branch).catch(({ response }) => [response.status, response.data.message]);
process.stdout.write(JSON.stringify(told));
