import { describe, expect, it } from 'vitest';
import { ownOrigins } from '../src/origins.ts';

const url = 'http://shop.example.test:8080/api/auth/sign-in';

describe('ownOrigins', () => {
  it('names the host that was asked, with its port', () => {
    expect(ownOrigins(new Request(url))).toEqual([
      'http://shop.example.test:8080',
      'https://shop.example.test:8080',
    ]);
  });

  it('also names the host that a proxy was asked for', () => {
    const request = new Request(url, { headers: { 'x-forwarded-host': 'www.example.test' } });
    expect(ownOrigins(request)).toContain('https://www.example.test');
  });

  it('does not name the page that the request came from', () => {
    const request = new Request(url, { headers: { origin: 'https://evil.example.test' } });
    expect(ownOrigins(request)).not.toContain('https://evil.example.test');
  });
});
