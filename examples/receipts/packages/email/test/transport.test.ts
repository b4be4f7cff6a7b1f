import { describe, expect, it } from 'vitest';
import { ConsoleTransport, MemoryTransport, welcome } from '../src/index.ts';

describe('ConsoleTransport', () => {
  it('never claims to have sent anything', async () => {
    const lines: string[] = [];
    const transport = new ConsoleTransport((line) => lines.push(line));
    await transport.send(welcome('ada@example.test', 'Ada'));
    expect(transport.state).toBe('not configured');
    await expect(transport.probe()).rejects.toThrow('not configured');
    expect(lines).toEqual([
      'e-mail not sent (no transport): to=ada@example.test subject=Welcome to Receipts',
    ]);
  });
});

describe('MemoryTransport', () => {
  it('keeps messages and their keys in order', async () => {
    const transport = new MemoryTransport();
    await transport.send(welcome('a@example.test', 'A'), 'welcome/a');
    await transport.send(welcome('b@example.test', 'B'), 'welcome/b');
    expect(transport.sent.map(({ to }) => to)).toEqual(['a@example.test', 'b@example.test']);
    expect(transport.keys).toEqual(['welcome/a', 'welcome/b']);
  });
});
