import { describe, expect, it } from 'vitest';
import { Probes } from '../src/probes.ts';

function setUp() {
  let now = 0;
  let asked = 0;
  let works = true;
  const logged: string[] = [];
  const log = { info: () => undefined, error: (message: string) => logged.push(message) };
  const probes = new Probes(log, () => now);
  const service = {
    state: 'configured' as const,
    probe: () => {
      asked += 1;
      return works ? Promise.resolve() : Promise.reject(new Error('down'));
    },
  };
  return {
    logged,
    probes,
    service,
    asked: () => asked,
    wait: (milliseconds: number) => {
      now += milliseconds;
    },
    breakDown: () => {
      works = false;
    },
  };
}

describe('Probes', () => {
  it('ask the service once, however many ask them', async () => {
    const { asked, probes, service, wait } = setUp();
    const answers = await Promise.all([1, 2, 3].map(() => probes.ask('ai', service)));
    expect(answers).toEqual(['reachable', 'reachable', 'reachable']);
    wait(9_999);
    await probes.ask('ai', service);
    expect(asked()).toBe(1);
    wait(1);
    await probes.ask('ai', service);
    expect(asked()).toBe(2);
  });

  it('see that a service is gone, and say so in the log', async () => {
    const { breakDown, logged, probes, service, wait } = setUp();
    expect(await probes.ask('ai', service)).toBe('reachable');
    breakDown();
    wait(10_000);
    expect(await probes.ask('ai', service)).toBe('unreachable');
    expect(logged).toEqual(['ai does not answer']);
  });

  it('ask nobody where nothing is set up', async () => {
    const { asked, probes, service } = setUp();
    expect(await probes.ask('ai', { ...service, state: 'not configured' })).toBe('not configured');
    expect(asked()).toBe(0);
  });
});
