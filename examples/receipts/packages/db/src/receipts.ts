import { createHash } from 'node:crypto';
import {
  type Attachment,
  isCurrency,
  type MediaType,
  type Money,
  mediaTypes,
  type NewReceipt,
} from '@receipts/core';
import type { Client } from './pool.ts';

export interface Receipt {
  readonly id: string;
  readonly merchant: string;
  readonly purchasedOn: string;
  readonly total: Money;
  readonly note: string;
  readonly fileName: string | null;
  readonly createdAt: Date;
}

interface ReceiptRow {
  readonly id: string;
  readonly merchant: string;
  readonly purchased_on: string;
  readonly total_minor: string;
  readonly currency: string;
  readonly note: string;
  readonly file_name: string | null;
  readonly created_at: Date;
}

// The tenant is never part of a WHERE here: row-level security decides what can be seen.
const select = `
  select r.id, r.merchant, r.purchased_on::text, r.total_minor, r.currency, r.note,
         f.name as file_name, r.created_at
    from receipts r left join receipt_files f on f.receipt_id = r.id`;

export async function listReceipts(client: Client, limit = 200): Promise<Receipt[]> {
  const { rows } = await client.query<ReceiptRow>(
    `${select} order by r.purchased_on desc, r.created_at desc, r.id limit $1`,
    [limit],
  );
  return rows.map(toReceipt);
}

export async function findReceipt(client: Client, id: string): Promise<Receipt | undefined> {
  const { rows } = await client.query<ReceiptRow>(`${select} where r.id = $1`, [id]);
  return rows.map(toReceipt)[0];
}

export interface NewRow {
  readonly tenantId: string;
  readonly createdBy: string;
  readonly receipt: NewReceipt;
  readonly attachment: Attachment | undefined;
}

export async function insertReceipt(client: Client, row: NewRow): Promise<Receipt> {
  const { tenantId, createdBy, receipt, attachment } = row;
  const { rows } = await client.query<ReceiptRow>(
    `insert into receipts (tenant_id, merchant, purchased_on, total_minor, currency, note, created_by)
     values ($1, $2, $3, $4, $5, $6, $7)
     returning id, merchant, purchased_on::text, total_minor, currency, note,
               null as file_name, created_at`,
    [
      tenantId,
      receipt.merchant,
      receipt.purchasedOn,
      receipt.total.minor,
      receipt.total.currency,
      receipt.note,
      createdBy,
    ],
  );
  const inserted = rows.map(toReceipt)[0];
  if (inserted === undefined) {
    throw new Error('The database answered nothing to an insert.');
  }
  if (attachment === undefined) {
    return inserted;
  }
  await client.query(
    `insert into receipt_files (receipt_id, tenant_id, name, media_type, bytes, sha256)
     values ($1, $2, $3, $4, $5, $6)`,
    [
      inserted.id,
      tenantId,
      attachment.name,
      attachment.mediaType,
      Buffer.from(attachment.bytes),
      sha256(attachment.bytes),
    ],
  );
  return { ...inserted, fileName: attachment.name };
}

/** Writes over what was typed or read before; undefined where there is no such receipt. */
export async function updateReceipt(
  client: Client,
  id: string,
  receipt: NewReceipt,
): Promise<Receipt | undefined> {
  const { rowCount } = await client.query(
    `update receipts set merchant = $2, purchased_on = $3, total_minor = $4, currency = $5, note = $6
      where id = $1`,
    [
      id,
      receipt.merchant,
      receipt.purchasedOn,
      receipt.total.minor,
      receipt.total.currency,
      receipt.note,
    ],
  );
  return rowCount === 1 ? findReceipt(client, id) : undefined;
}

/** Answers whether there was such a receipt. */
export async function deleteReceipt(client: Client, id: string): Promise<boolean> {
  const { rowCount } = await client.query('delete from receipts where id = $1', [id]);
  return rowCount === 1;
}

export interface StoredFile extends Attachment {
  /** Hexadecimal, of the bytes. */
  readonly sha256: string;
}

interface FileRow {
  readonly name: string;
  readonly media_type: string;
  readonly bytes: Buffer;
  readonly sha256: string | null;
}

/** Throws where the bytes are no longer those that came in: a broken file is not handed out. */
export async function findFile(client: Client, receiptId: string): Promise<StoredFile | undefined> {
  const { rows } = await client.query<FileRow>(
    'select name, media_type, bytes, sha256 from receipt_files where receipt_id = $1',
    [receiptId],
  );
  const file = rows[0];
  if (file === undefined) {
    return undefined;
  }
  const checksum = sha256(file.bytes);
  if (file.sha256 !== null && file.sha256 !== checksum) {
    throw new Error(`The file of receipt ${receiptId} is not the one that came in.`);
  }
  return {
    name: file.name,
    mediaType: toMediaType(file.media_type),
    bytes: file.bytes,
    sha256: checksum,
  };
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function toReceipt(row: ReceiptRow): Receipt {
  if (!isCurrency(row.currency)) {
    throw new Error(`Receipt ${row.id} has the unknown currency ${row.currency}.`);
  }
  return {
    id: row.id,
    merchant: row.merchant,
    purchasedOn: row.purchased_on,
    total: { minor: Number(row.total_minor), currency: row.currency },
    note: row.note,
    fileName: row.file_name,
    createdAt: row.created_at,
  };
}

function toMediaType(text: string): MediaType {
  const known = mediaTypes.find((type) => type === text);
  if (known === undefined) {
    throw new Error(`A file has the unknown media type ${text}.`);
  }
  return known;
}
