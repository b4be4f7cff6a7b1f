import { describe, expect, it } from 'vitest';
import { checkAttachment, largestAttachment, safeName } from '../src/index.ts';

const png = (size: number): Uint8Array => {
  const bytes = new Uint8Array(size);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return bytes;
};

const bytesOf = (text: string): Uint8Array =>
  Uint8Array.from(text, (character) => character.charCodeAt(0));

describe('checkAttachment', () => {
  it('takes the type from the bytes', () => {
    expect(checkAttachment('scan.pdf', png(20))).toMatchObject({
      value: { name: 'scan.pdf', mediaType: 'image/png' },
    });
    const pdf = bytesOf('%PDF-1.7\n');
    expect(checkAttachment('a', pdf)).toMatchObject({ value: { mediaType: 'application/pdf' } });
  });

  it('refuses a page of HTML whatever its name', () => {
    const html = bytesOf('<script>alert(1)</script>');
    expect(checkAttachment('scan.png', html).ok).toBe(false);
  });

  it('refuses an empty file and one byte too many', () => {
    expect(checkAttachment('a.png', new Uint8Array()).ok).toBe(false);
    expect(checkAttachment('a.png', png(largestAttachment)).ok).toBe(true);
    expect(checkAttachment('a.png', png(largestAttachment + 1)).ok).toBe(false);
  });
});

describe('safeName', () => {
  it.each([
    ['../../etc/passwd', 'passwd'],
    ['C:\\scans\\März 1.png', 'März 1.png'],
    ['a"\r\nX-Evil: 1.png', 'a___X-Evil_ 1.png'],
    ['...', 'receipt'],
    ['', 'receipt'],
  ])('turns %j into %j', (name, safe) => {
    expect(safeName(name)).toBe(safe);
  });
});
