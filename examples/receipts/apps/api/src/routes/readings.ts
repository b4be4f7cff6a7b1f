import { Hono } from 'hono';
import { requireUser, type Services, type SignedIn } from '../context.ts';
import { readFile } from '../submission.ts';

/** Reads a file by AI. Keeps nothing of it: the person looks it over and then adds the receipt. */
export function readingRoutes(services: Services): Hono<SignedIn> {
  const routes = new Hono<SignedIn>();
  routes.use(requireUser(services));
  routes.post('/', async (c) => {
    const file = await readFile(c.req);
    const { charged, extraction, id, model, usage } = await services.reader.read(c.var.user, file);
    return c.json({ reading: { id, model, charged, ...extraction }, usage });
  });
  return routes;
}
