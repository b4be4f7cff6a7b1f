import { slug } from "@no-root-scripts/slug";

export function greeting(name: string): { id: string; text: string } {
  return { id: slug(name), text: `Hello, ${name}` };
}
