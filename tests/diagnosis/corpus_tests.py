"""Planted failures that tests find: flaky ones, broken promises of the API, figures that are not right."""

from __future__ import annotations

from tests.diagnosis.planted import AGAIN, INTEGRATION, UNIT, Planted, plant

CORE, METERING = "packages/core/src", "packages/metering/src"
API, DB = "apps/api/src", "packages/db/src"
CORE_TESTS, METERING_TESTS = "packages/core/test", "packages/metering/test"
RECEIPTS = "apps/api/test/receipts.integration.test.ts"


def flaky(name: str, path: str, told: str, *edits: tuple[str, str]) -> Planted:
    """Return a test that fails among the others and passes alone: there is nothing to commit."""
    return plant(name, "flaky", UNIT, told, *((path, old, new) for old, new in edits), repair=AGAIN)


YEAR = """  it('knows what year it is', () => {
    expect(Number(today().slice(0, 4))).toBeGreaterThan(2020);
  });
"""
DRAWING = """let seed = 7;
const draw = (): number => {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed % 100;
};

describe('isCurrency', () => {
  it('draws some', () => {
    expect(draw()).toBe(97);
    expect(draw()).toBeLessThan(100);
  });

  it('draws a small one', () => {
    expect(draw()).toBe(97);
  });

"""
SETTING = """  it('takes it from the process', () => {
    process.env.APP_DATABASE_ROLE = 'other';
    expect(appRole(process.env)).toBe('other');
  });

  it('has no setting', () => {
    expect(appRole(process.env)).toBe('receipts_app');
  });
"""
FETCHING = """  it('reaches nothing by itself', () => {
    expect(fetch.name).toBe('fetch');
  });
"""
FLAKY = (
    flaky("a test that wants to be the first", f"{METERING_TESTS}/month.test.ts", "is asked first",
          ("describe('monthOf', () => {\n",
           "let asked = 0;\n\ndescribe('monthOf', () => {\n"),
          ("  ])('puts %s into %s', (moment, id, resetsAt) => {\n",
           "  ])('puts %s into %s', (moment, id, resetsAt) => {\n    asked += 1;\n"),
          ("  it('does not depend",
           "  it('is asked first', () => {\n    expect(asked).toBe(0);\n  });\n\n  it('does not depend")),
    flaky("a clock that nobody puts back", "apps/web/test/dates.test.ts", "knows what year it is",
          ("import { describe, expect, it } from 'vitest';", "import { describe, expect, it, vi } from 'vitest';"),
          ("  it('is the day on the wall, padded', () => {\n",
           "  it('is the day on the wall, padded', () => {\n    vi.setSystemTime(new Date('2001-01-01T12:00:00Z'));\n"),
          (".toBe('2026-01-05');\n  });\n", f".toBe('2026-01-05');\n  }});\n\n{YEAR}")),
    flaky("chance that depends on how often it was asked", f"{CORE_TESTS}/money.test.ts", "draws a small one",
          ("describe('isCurrency', () => {\n", DRAWING)),
    flaky("a setting of the process that stays", "packages/db/test/config.test.ts", "has no setting",
          ("  it('refuses what is no plain name'", f"{SETTING}\n  it('refuses what is no plain name'")),
    flaky("a stand-in that is left behind", "apps/web/test/http.test.ts", "reaches nothing by itself",
          ("  afterEach(() => {\n    vi.unstubAllGlobals();\n  });\n\n  it('answers the body'",
           "  it('answers the body'"),
          ("import { afterEach, describe,", "import { describe,"),
          ("  it.each(['<html>Bad", f"{FETCHING}\n  it.each(['<html>Bad")),
)  # fmt: skip

CONTRACT = (
    plant("who deletes gets an answer with a body", "contract", INTEGRATION, "deletes once",
          (f"{API}/routes/receipts.ts", "return c.body(null, 204);", "return c.json({ deleted: true });"),
          files=(RECEIPTS,), wished=2, tier=2, batch="contract"),
    plant("a correction is answered without its frame", "contract", INTEGRATION, "takes corrections by the rules",
          (f"{API}/routes/receipts.ts", "return c.json({ receipt: changed });", "return c.json(changed);"),
          files=(RECEIPTS,), wished=2, tier=2, batch="contract"),
    plant("a header has another name", "contract", INTEGRATION, "keeps a file and gives the same bytes back",
          (f"{API}/routes/receipts.ts", "'repr-digest':", "'digest':"),
          files=(RECEIPTS,), wished=2, tier=2, batch="contract"),
    plant("the version does not tell the build", "contract", INTEGRATION, "names the commit alone as well",
          (f"{API}/routes/health.ts", "commit,\n  build,\n  environment,\n});", "commit,\n  environment,\n});"),
          files=("apps/api/test/health.integration.test.ts",),
          wished=2, tier=2, batch="contract"),
    plant("another status for a type that is not known", "contract", INTEGRATION, "refuses bodies that it cannot read",
          (f"{API}/submission.ts", "415, 'unsupported_type', 'Send JSON", "400, 'unsupported_type', 'Send JSON"),
          files=(RECEIPTS,), wished=2, tier=2, batch="contract"),
    plant("another code for a quota that is used up", "contract", INTEGRATION, "passes the last unit and refuses",
          (f"{API}/quota.ts", "'quota_exhausted'", "'quota_exceeded'"),
          files=("apps/api/test/metering.integration.test.ts",), wished=2, tier=3, batch="contract"),
)  # fmt: skip

MONEY, METER = f"{CORE_TESTS}/money.test.ts", f"{METERING_TESTS}/meter.test.ts"
INTEGRITY = (
    plant("cents are lost in writing", "data integrity", UNIT, "reads back what toDecimal writes",
          (f"{CORE}/money.ts", "String(minor).padStart(digits + 1, '0')", "String(minor).padStart(digits, '0')"),
          files=(MONEY,), tier=3, wished=3),
    plant("tenths are read as hundredths", "data integrity", UNIT, '"12.5"',
          (f"{CORE}/money.ts", "fraction.padEnd(digits, '0')", "fraction.padStart(digits, '0')"),
          files=(MONEY,), tier=3, wished=3),
    plant("the first amount counts twice", "data integrity", UNIT, "keeps currencies apart and in order",
          (f"{CORE}/money.ts", "(sums.get(currency) ?? 0) + minor", "(sums.get(currency) ?? minor) + minor"),
          files=(MONEY,), tier=3, wished=3),
    plant("the largest amount is refused", "data integrity", UNIT, "takes the largest amount and refuses one more",
          (f"{CORE}/money.ts", "minor > largestMinor", "minor >= largestMinor"), files=(MONEY,), tier=3, wished=3),
    plant("a day that never was", "data integrity", UNIT, "knows leap years",
          (f"{CORE}/calendar-date.ts", "!Number.isNaN(date.getTime()) && toCalendarDate(date) === text",
           "!Number.isNaN(date.getTime())"),
          files=(f"{CORE_TESTS}/receipt.test.ts",), tier=3, wished=3, batch="figures"),
    plant("one byte less than promised", "data integrity", UNIT, "one byte too many",
          (f"{CORE}/attachment.ts", "bytes.length > largestAttachment", "bytes.length >= largestAttachment"),
          files=(f"{CORE_TESTS}/attachment.test.ts",), tier=3, wished=3, batch="figures"),
    plant("the last unit is not given", "data integrity", UNIT, "lets exactly the quota through",
          (f"{METERING}/memory-store.ts", "used > limit", "used >= limit"), files=(METER,), tier=3, wished=3),
    plant("units are given back in the wrong month", "data integrity", UNIT, "counts nothing for what was given back",
          (f"{METERING}/meter.ts", "this.store.remove(this.key(subscriber, month), units);",
           "this.store.remove(this.key(subscriber, month && monthOf(this.now()).id), units);"),
          files=(METER,), tier=3, wished=3, batch="figures"),
    plant("people are told too late", "data integrity", UNIT, "8 of 10 is near",
          (f"{METERING}/usage.ts", "used >= limit * nearShare", "used > limit * nearShare"),
          files=(f"{METERING_TESTS}/usage.test.ts",), tier=3, wished=3, batch="figures"),
    plant("the database gives one less", "data integrity", INTEGRATION, "does not overspend when many come at once",
          (f"{DB}/usage-store.ts", "counter.used + excluded.used <= $5", "counter.used + excluded.used < $5"),
          files=("apps/api/test/metering.integration.test.ts",), packages=("apps/api",), tier=3, wished=3,
          batch="stored"),
)  # fmt: skip
