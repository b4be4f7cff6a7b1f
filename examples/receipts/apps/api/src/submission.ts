import { type Attachment, checkAttachment } from '@receipts/core';
import type { HonoRequest } from 'hono';
import { ApiError } from './errors.ts';

/** A receipt as it came in: as JSON, or as a form that may carry one file. */
export interface Submission {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly attachment: Attachment | undefined;
}

export async function readSubmission(request: HonoRequest): Promise<Submission> {
  const type = request.header('content-type') ?? '';
  if (type.startsWith('multipart/form-data')) {
    return readForm(request);
  }
  if (type.startsWith('application/json')) {
    return { fields: await readJson(request), attachment: undefined };
  }
  throw new ApiError(415, 'unsupported_type', 'Send JSON or a form with a file.');
}

/** A form with a file and nothing else that matters. */
export async function readFile(request: HonoRequest): Promise<Attachment> {
  if (!(request.header('content-type') ?? '').startsWith('multipart/form-data')) {
    throw new ApiError(415, 'unsupported_type', 'Send a form with a file.');
  }
  const { attachment } = await readForm(request);
  if (attachment === undefined) {
    const message = 'Choose a file first.';
    throw new ApiError(422, 'invalid', message, { fields: { file: message } });
  }
  return attachment;
}

async function readForm(request: HonoRequest): Promise<Submission> {
  const fields = await request.parseBody().catch(() => {
    throw new ApiError(400, 'malformed', 'The form cannot be read.');
  });
  const { file } = fields;
  // A browser sends an empty file where none was chosen.
  if (!(file instanceof File) || (file.size === 0 && file.name === '')) {
    return { fields, attachment: undefined };
  }
  const checked = checkAttachment(file.name, new Uint8Array(await file.arrayBuffer()));
  if (!checked.ok) {
    throw new ApiError(422, 'invalid', checked.error, { fields: { file: checked.error } });
  }
  return { fields, attachment: checked.value };
}

export async function readJson(request: HonoRequest): Promise<Record<string, unknown>> {
  const body: unknown = await request.json().catch(() => undefined);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new ApiError(400, 'malformed', 'The body must be a JSON object.');
  }
  return { ...body };
}
