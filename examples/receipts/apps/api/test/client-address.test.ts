import { describe, expect, it } from 'vitest';
import { clientAddressHeader, withClientAddress } from '../src/client-address.ts';

const request = (headers: Record<string, string>): Request =>
  new Request('http://127.0.0.1/', { method: 'POST', headers, body: 'x' });
const connection = { incoming: { socket: { remoteAddress: '192.0.2.1' } } };

describe('withClientAddress', () => {
  it('believes the connection, not the caller', () => {
    const forged = request({ [clientAddressHeader]: '198.51.100.9', 'x-forwarded-for': '1.2.3.4' });
    const headers = withClientAddress(forged, connection, false).headers;
    expect(headers.get(clientAddressHeader)).toBe('192.0.2.1');
  });

  it('believes the last hop where a proxy of ours stands in front', () => {
    const proxied = request({ 'x-forwarded-for': '1.2.3.4, 203.0.113.7' });
    const headers = withClientAddress(proxied, connection, true).headers;
    expect(headers.get(clientAddressHeader)).toBe('203.0.113.7');
  });

  it('names nobody when nothing is known', () => {
    const forged = request({ [clientAddressHeader]: '198.51.100.9' });
    expect(withClientAddress(forged, undefined, false).headers.has(clientAddressHeader)).toBe(
      false,
    );
  });

  it('keeps the body', async () => {
    expect(await withClientAddress(request({}), connection, false).text()).toBe('x');
  });
});
