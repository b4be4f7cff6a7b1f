"""Usual fixes of usual source, each of which may go straight to main: what is not to be taken for more."""

from __future__ import annotations

from tests.diagnosis.patches import Case, Edit, edited

TOTAL = "packages/core/src/total.ts"
ROUND = "packages/core/src/round.ts"
CATALOG = "packages/core/src/catalog.ts"
LIST = "apps/web/src/List.tsx"
_THROWS = "    throw new Error(`no items: ${String(error)}`);\n"
_LOAD = """\
export async function load(): Promise<Error | undefined> {
  try {
    await work();
  } catch (error) {
    return error as Error;
  }
}

"""
_SWITCH = """\
  switch (typeof value) {
    case "number":
      return Math.round(value * 100) / 100;
    default:
      throw new TypeError(`not a number: ${String(value)}`);
  }"""
_IS_ITEM = """\
const isItem = (value: unknown): value is Item =>
  typeof value === "object" && value !== null && "price" in value;

"""


def source(name: str, path: str, *edits: tuple[str, str]) -> Case:
    """Return the case of some edits of one file."""
    return edited(name, {path: edits}, 1, named=("packages/core", "apps/web"))


def new(name: str, path: str, text: str) -> Case:
    """Return the case of a new file."""
    whole: Edit = text
    return edited(name, {path: whole}, 1, named=("packages/core", "apps/web"))


SOURCES: tuple[Case, ...] = (
    source("a-guard", TOTAL, ("  let sum = 0;\n", "  if (items.length === 0) return 0;\n  let sum = 0;\n")),
    source("a-chain-that-may-end", CATALOG, ("item.price", "item?.price ?? 0")),
    source("a-check-that-it-is-there", CATALOG,
           ("    found.push", "    if (item === undefined || !item) continue;\n    found.push")),
    source("a-catch-that-throws-more", TOTAL,
           (_THROWS, f"    if (!(error instanceof SyntaxError)) throw error;\n{_THROWS}")),
    source("a-catch-that-logs", TOTAL, (_THROWS, '    console.warn("no items", error);\n    return [];\n')),
    source("a-catch-that-tells-its-error", TOTAL,
           ("export function read", _LOAD + "export function read")),
    source("a-catch-with-a-reason-and-a-call", TOTAL,
           (_THROWS, "    // Not even JSON: somebody else's file.\n    report(error);\n    throw error;\n")),
    source("a-promise-with-a-catch-that-tells", CATALOG,
           ("  const found", "  void load().catch((error: unknown) => report(error));\n  const found")),
    source("a-finally-that-closes", CATALOG,
           ("  return found;", "  try {\n    return found;\n  } finally {\n    seen.clear();\n  }")),
    source("an-import-of-a-sibling", ROUND, ("export", 'import { sum } from "./sum";\n\nexport')),
    source("an-import-with-a-suffix", ROUND, ("export", 'import { sum } from "./sum.js";\n\nexport')),
    source("an-import-of-a-named-sibling", ROUND, ("export", 'import { sum } from "../lib/sum.service";\n\nexport')),
    source("an-import-by-an-alias", LIST, ('"react";\n', '"react";\nimport { cx } from "@/lib/cx";\n')),
    source("an-import-of-a-style", LIST, ('"react";\n', '"react";\nimport styles from "./List.module.css";\n')),
    source("one-more-name-of-a-package", CATALOG, ("{ group }", "{ group, sortBy }"), ("= group", "= sortBy(group)")),
    source("an-import-of-a-hook", "apps/web/src/hooks/useList.ts",
           ("export", 'import { useMemo } from "react";\n\nexport'),
           ("items.slice()", "useMemo(() => items.slice(), [items])")),
    source("an-import-of-types", ROUND, ("export", 'import type { Big } from "big.js";\n\nexport')),
    source("types-that-become-an-import-of-types", CATALOG, ("import type { Item }", "import { type Item, total }"),
           ("round(item.price)", "round(total([item]))")),
    source("out-of-a-map", CATALOG, ("  known.set(key, { price: 1, count: 1 });", "  known.delete(key);")),
    source("out-of-a-set", CATALOG, ("  known.set", "  seen.delete(key);\n  known.set")),
    source("updates-state", LIST, ("onClick={() => choose(item)}", "onClick={() => choose((was) => was ?? item)}")),
    source("a-regular-expression", CATALOG, ("name.toLowerCase()", 'name.replace(/[^\\w"\'/-]+/g, "-").toLowerCase()')),
    source("a-component-with-a-role", LIST, ("<ul>", '<ul role="list" aria-label="All that\'s there">')),
    source("a-component-with-a-condition", LIST,
           ("    <ul>\n", "    <ul>\n      {items.length === 0 && <li>Nothing, yet!</li>}\n")),
    source("an-attribute-of-an-element", LIST,
           ("<Row key", '<img src={`/icons/${item}.svg`} alt="" />\n        <Row key')),
    source("a-link", LIST, ("    <ul>\n", '    <ul>\n      <a href="/all">All</a>\n')),
    source("a-rule-of-style", "apps/web/src/style.css",
           ("color: red;", "color: var(--token-ink); background: url(./ink.svg);")),
    new("a-style-with-a-query", "apps/web/src/list.css",
        "@media (width < 40rem) {\n  .row > li:not(:first-child) { margin: 0 !important; }\n}\n"),
    source("a-finally-that-remembers", CATALOG,
           ("  return found;", "  try {\n    return found;\n  } finally {\n    busy = false;\n  }")),
    source("a-handler-by-its-name", CATALOG, ("  const found", "  void load().catch(report);\n  const found")),
    source("a-promise-that-tells-and-goes-on", CATALOG,
           ("  const found", "  await load().then(show, (error: unknown) => fail(error));\n  const found")),
    source("words-that-read-like-casts", LIST, ("    <ul>", '    <ul title="As soon as possible, as well as today!">')),
    source("a-call-to-buy", LIST, ("    <ul>\n", "    <ul>\n      <li>Buy now!</li>\n")),
    source("an-important-style", "apps/web/src/style.css",
           ("button {", "/* global styles */\nbutton {"), ("red;", "red !important;")),
    source("a-cast-after-parsing", TOTAL,
           ("    return JSON.parse(text);",
            "    const found: unknown = JSON.parse(text);\n    return found as Item[];")),
    source("a-cast-to-constants", CATALOG, ("const seen", 'const kinds = { a: "b" } as const;\nconst seen')),
    source("names-of-exports", "packages/core/src/index.ts", ("total }", "total as sum, total as all }")),
    source("a-function-as-a-type", CATALOG, ("const seen", "type Listener = (item: Item) => void;\nconst seen")),
    source("a-stack-of-things", CATALOG,
           ("  const found", "  const stack = [...keys];\n  while (stack.length > 0) stack.pop();\n  const found")),
    source("a-switch", ROUND, ("  return Math.round(value * 100) / 100;", _SWITCH)),
    source("a-loop-that-waits", CATALOG,
           ("    const item = known.get(key);", "    const item = await Promise.resolve(known.get(key));")),
    source("all-at-once", CATALOG, ("  const found: number[] = [];",
           "  await Promise.all(keys.map(async (key) => seen.add(key)));\n  const found: number[] = [];")),
    source("entries-of-an-object", CATALOG,
           ("Object.keys(items).map((name) => name.toLowerCase())",
            "Object.entries(items).map(([name, item]) => `${name}: ${item.price}`)")),
    source("a-default", CATALOG, ("known.get(key);\n}", "known.get(key) ?? undefined;\n}")),
    source("a-type-that-is-narrower", CATALOG,
           ("Record<string, Item>", "Readonly<Record<string, Item | undefined>>")),
    source("a-type-guard", CATALOG, ("export const grouped",
           _IS_ITEM + "export const grouped")),
    source("a-constant", CATALOG, ("const seen", 'const kinds = ["a", "b"] as const;\nconst seen')),
    source("a-negation", LIST, ("chosen, choose", "chosen, choose"), ("item={item}", "item={item} bold={!chosen}")),
    source("a-comment", ROUND, ("  return", "  // Halves are rounded up, as the bank does it.\n  return")),
    source("a-window-that-may-be-missing", LIST,
           ("  return (", '  const wide = typeof window !== "undefined" && window.innerWidth > 600;\n  return (')),
    source("an-error-with-a-cause", TOTAL, ("${String(error)}`)", "${String(error)}`, { cause: error })")),
    source("a-stack-that-is-logged", TOTAL,
           (_THROWS, f"    if (error instanceof Error) console.error(error.stack);\n{_THROWS}")),
    source("a-handler", "packages/core/src/handlers.ts", ("path.length", "path.trim().length")),
    source("words-that-hold-others", ROUND,
           ("  return", "  const ordered = value, rolled = 1, tested = true, protest = ordered;\n  return")),
    new("a-new-hook", "apps/web/src/hooks/useToggle.ts",
        'import { useCallback, useState } from "react";\n\nexport function useToggle(first = false) {\n'
        "  const [on, set] = useState(first);\n  const turn = useCallback(() => set((was) => !was), []);\n"
        "  return [on, turn] as const;\n}\n"),
    new("a-class-with-a-constructor", "packages/core/src/basket.ts",
        "export class Basket {\n  constructor(private readonly items: string[]) {}\n"
        "  get size(): number {\n    return this.items.length;\n  }\n}\n"),
    new("tokens-of-a-language", "packages/core/src/lexer/tokens.ts",
        'export type Token = { kind: "word"; text: string };\nexport const tokens: Token[] = [];\n'),
)  # fmt: skip
