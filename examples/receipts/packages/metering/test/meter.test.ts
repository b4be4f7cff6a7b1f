import { plans } from '@receipts/core';
import { describe, expect, it } from 'vitest';
import { MemoryUsageStore, Meter } from '../src/index.ts';

const limit = plans.free.receiptsPerMonth;
const free = { tenantId: 'a', plan: 'free' } as const;

function setUp(start = '2026-11-25T12:00:00Z') {
  let now = new Date(start);
  const meter = new Meter('receipts', new MemoryUsageStore(), () => now);
  const travelTo = (moment: string): void => {
    now = new Date(moment);
  };
  return { meter, travelTo };
}

describe('Meter', () => {
  it('lets exactly the quota through', async () => {
    const { meter } = setUp();
    const answers: boolean[] = [];
    for (let i = 0; i < limit + 2; i += 1) {
      answers.push((await meter.consume(free)).allowed);
    }
    expect(answers.filter(Boolean)).toHaveLength(limit);
    expect(answers.lastIndexOf(true)).toBe(limit - 1);
  });

  it('tells the last unit from the first refusal', async () => {
    const { meter } = setUp();
    await meter.consume(free, limit - 1);
    expect(await meter.consume(free)).toMatchObject({ allowed: true, used: limit, remaining: 0 });
    expect(await meter.consume(free)).toMatchObject({ allowed: false, used: limit, remaining: 0 });
  });

  it('counts nothing for a refusal', async () => {
    const { meter } = setUp();
    await meter.consume(free, limit - 1);
    expect((await meter.consume(free, 2)).allowed).toBe(false);
    expect((await meter.consume(free, 1)).allowed).toBe(true);
  });

  it('refuses more than a whole quota at once', async () => {
    const { meter } = setUp();
    expect(await meter.consume(free, limit + 1)).toMatchObject({ allowed: false, used: 0 });
  });

  it('keeps tenants apart', async () => {
    const { meter } = setUp();
    await meter.consume(free, limit);
    expect((await meter.consume({ ...free, tenantId: 'b' })).allowed).toBe(true);
  });

  it('starts again with the month', async () => {
    const { meter, travelTo } = setUp('2026-11-30T23:59:59Z');
    await meter.consume(free, limit);
    expect((await meter.consume(free)).allowed).toBe(false);
    travelTo('2026-12-01T00:00:00Z');
    expect(await meter.consume(free)).toMatchObject({ allowed: true, used: 1 });
  });

  it('gives the larger quota as soon as the plan is larger', async () => {
    const { meter } = setUp();
    await meter.consume(free, limit);
    const upgraded = await meter.consume({ ...free, plan: 'pro' });
    expect(upgraded).toMatchObject({ allowed: true, limit: plans.pro.receiptsPerMonth });
  });

  it.each([0, -1, 0.5, Number.NaN])('refuses to count %d units', async (units) => {
    const { meter } = setUp();
    await expect(meter.consume(free, units)).rejects.toThrow(RangeError);
  });

  it('keeps meters apart', async () => {
    const store = new MemoryUsageStore();
    const now = (): Date => new Date('2026-11-25T12:00:00Z');
    const receipts = new Meter('receipts', store, now);
    const readings = new Meter('readings', store, now);
    await readings.consume(free, plans.free.readingsPerMonth);
    expect((await readings.consume(free)).allowed).toBe(false);
    expect(await receipts.consume(free)).toMatchObject({ allowed: true, used: 1 });
  });

  it('counts nothing for what was given back, in the month in which it was taken', async () => {
    const { meter, travelTo } = setUp('2026-11-30T23:59:59Z');
    const { month } = await meter.consume(free, limit);
    travelTo('2026-12-01T00:00:00Z');
    await meter.consume(free, 2);
    await meter.giveBack(free, month);
    expect(await meter.usage(free)).toMatchObject({ used: 2 });
    travelTo('2026-11-30T23:59:59Z');
    expect(await meter.usage(free)).toMatchObject({ used: limit - 1 });
    await expect(meter.giveBack(free, month, 0)).rejects.toThrow(RangeError);
  });

  it('reads without counting', async () => {
    const { meter } = setUp();
    await meter.consume(free, 3);
    expect(await meter.usage(free)).toMatchObject({ used: 3, remaining: limit - 3 });
    expect(await meter.usage(free)).toMatchObject({ used: 3 });
  });
});
