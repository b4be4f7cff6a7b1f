import { describe, expect, it } from 'vitest';
import { ConsoleTransport, MemoryTransport, welcome } from '../src/index.ts';

describe('ConsoleTransport', () => {
  it('never claims to have sent anything', async () => {
    const lines: string[] = [];
    const transport = new ConsoleTransport((line) => lines.push(line));
    await transport.send(welcome('ada@example.test', 'Ada'));
    expect(transport.status).toBe('not configured');
    expect(lines).toEqual([
      'e-mail not sent (no transport): to=ada@example.test subject=Welcome to Receipts',
    ]);
  });
});

describe('MemoryTransport', () => {
  it('keeps messages in order', async () => {
    const transport = new MemoryTransport();
    await transport.send(welcome('a@example.test', 'A'));
    await transport.send(welcome('b@example.test', 'B'));
    expect(transport.sent.map(({ to }) => to)).toEqual(['a@example.test', 'b@example.test']);
  });
});
