import { ok, type Result, refused } from './result.ts';

export const largestAttachment = 2 * 1024 * 1024;

/** The first bytes of each kind of file that is kept. */
const signatures = {
  'application/pdf': [0x25, 0x50, 0x44, 0x46, 0x2d],
  'image/jpeg': [0xff, 0xd8, 0xff],
  'image/png': [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
} as const;

export type MediaType = keyof typeof signatures;

export const mediaTypes = Object.keys(signatures) as readonly MediaType[];

export interface Attachment {
  readonly name: string;
  readonly mediaType: MediaType;
  readonly bytes: Uint8Array;
}

/** What the bytes say, whatever the uploader claims: a page of HTML named `scan.png` is refused. */
export function detectMediaType(bytes: Uint8Array): MediaType | undefined {
  return mediaTypes.find((type) => signatures[type].every((byte, at) => bytes[at] === byte));
}

export function checkAttachment(name: string, bytes: Uint8Array): Result<Attachment, string> {
  if (bytes.length === 0) {
    return refused('The file is empty.');
  }
  if (bytes.length > largestAttachment) {
    return refused(`The file is larger than ${largestAttachment / 1024 / 1024} MB.`);
  }
  const mediaType = detectMediaType(bytes);
  if (mediaType === undefined) {
    return refused('Only PDF, JPEG and PNG files can be kept.');
  }
  return ok({ name: safeName(name), mediaType, bytes });
}

/** A name that is safe in a header and in a file system, and still recognisable. */
export function safeName(name: string): string {
  const base = name.split(/[/\\]/).at(-1) ?? '';
  const cleaned = base.replaceAll(/[^\p{L}\p{N}._ -]/gu, '_').replace(/^[. ]+/, '');
  return cleaned.slice(0, 120) || 'receipt';
}
