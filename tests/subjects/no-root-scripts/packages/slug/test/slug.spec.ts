import { expect, test } from "vitest";
import { slug } from "../src/slug";

test.each([
  ["Hello, World!", "hello-world"],
  ["  spaced  out ", "spaced-out"],
])("%s becomes %s", (title, expected) => {
  expect(slug(title)).toBe(expected);
});
