import { routes } from "./generated/routes";

export type RouteName = keyof typeof routes;

export function path(
  name: RouteName,
  values: Record<string, string> = {},
): string {
  return routes[name].replaceAll(/:(\w+)/g, (_, key: string) => {
    const value = values[key];
    if (value === undefined) throw new Error(`${name} needs ${key}`);
    return encodeURIComponent(value);
  });
}
