import { clamp } from "@vue-workspace/numbers";
import { type MaybeRefOrGetter, computed, ref, toValue } from "vue";

export function useCounter(max: MaybeRefOrGetter<number>) {
  const count = ref(0);
  const full = computed(() => count.value >= toValue(max));

  function increment(): void {
    count.value = clamp(count.value + 1, 0, toValue(max));
  }

  return { count, full, increment };
}
