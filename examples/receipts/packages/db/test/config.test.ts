import { describe, expect, it } from 'vitest';
import { appRole, ConfigError, ownerUrl } from '../src/index.ts';

describe('ownerUrl', () => {
  it('says in one line what is missing', () => {
    expect(() => ownerUrl({})).toThrow(ConfigError);
    expect(() => ownerUrl({ DATABASE_URL: '' })).toThrow(/^DATABASE_URL is not set: .+$/);
  });
});

describe('appRole', () => {
  it('has a default and takes another name', () => {
    expect(appRole({})).toBe('receipts_app');
    expect(appRole({ APP_DATABASE_ROLE: 'app_2' })).toBe('app_2');
  });

  it('refuses what is no plain name', () => {
    expect(() => appRole({ APP_DATABASE_ROLE: 'a; drop table x' })).toThrow(ConfigError);
  });
});
