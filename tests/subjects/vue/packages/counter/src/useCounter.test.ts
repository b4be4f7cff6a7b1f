import { expect, test } from "vitest";
import { ref } from "vue";
import { useCounter } from "./useCounter";

test("counts up to the maximum", () => {
  const { count, full, increment } = useCounter(2);
  increment();
  increment();
  increment();
  expect(count.value).toBe(2);
  expect(full.value).toBe(true);
});

test("follows a maximum that changes", () => {
  const max = ref(1);
  const { full, increment } = useCounter(max);
  increment();
  max.value = 3;
  expect(full.value).toBe(false);
});
