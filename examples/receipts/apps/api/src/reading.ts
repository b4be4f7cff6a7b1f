import type { Attachment, Extraction } from '@receipts/core';
import {
  type Client,
  countAnswers,
  endLostReadings,
  endReading,
  inWorkspaceOf,
  type Pool,
  PostgresUsageStore,
  type ReadingEnd,
  sha256,
  startReading,
  type Workspace,
} from '@receipts/db';
import { Meter, type Usage } from '@receipts/metering';
import type { User } from './auth.ts';
import { ApiError, notConfigured } from './errors.ts';
import { type Extracted, ExtractionError, type Extractor } from './extractor.ts';
import type { Log } from './log.ts';
import { quotaError } from './quota.ts';

/**
 * Answers of the AI that a month has at most for each reading of its plan. What is not read whole
 * is not charged, but the answer costs us as much.
 */
const answersPerReading = 4;

/** A file that was read, wholly or in part. */
export interface Reading {
  readonly id: string;
  readonly model: string;
  readonly extraction: Extraction;
  /** Only a whole reading is counted. */
  readonly charged: boolean;
  readonly usage: Usage;
}

export interface ReaderDependencies {
  readonly pool: Pool;
  readonly extractor: Extractor;
  readonly log: Log;
  readonly now: () => Date;
}

/** Has files read by the AI, and counts it against the plan. */
export class Reader {
  private readonly outside: ReaderDependencies;

  constructor(outside: ReaderDependencies) {
    this.outside = outside;
  }

  async read(user: User, file: Attachment): Promise<Reading> {
    const { extractor, log, now } = this.outside;
    if (extractor.state === 'not configured') {
      throw notConfigured('ai', 'Reading receipts by AI');
    }
    // The unit is taken first, or many at once could overspend. No transaction stays open while
    // the AI reads.
    const started = await this.inWorkspace(user, (client, workspace) =>
      this.start(client, workspace, user, file),
    );
    let extracted: Extracted;
    try {
      extracted = await extractor.extract(file, now());
    } catch (error) {
      const known = error instanceof ExtractionError ? error : undefined;
      const end = { failure: known?.failure ?? 'defect', tokens: known?.tokens };
      await this.inWorkspace(user, (client, workspace) =>
        this.end(client, workspace, started, end),
      );
      if (known === undefined) {
        throw error;
      }
      if (known.failure !== 'unreadable') {
        log.error('a receipt could not be read by AI', error);
      }
      throw readingFailed(known);
    }
    const { extraction, tokens } = extracted;
    const charged = extraction.missing.length === 0;
    const end = { failure: charged ? undefined : 'incomplete', tokens };
    const usage = await this.inWorkspace(user, (client, workspace) =>
      this.end(client, workspace, started, end),
    );
    return { id: started.id, model: extractor.model, extraction, charged, usage };
  }

  private async start(
    client: Client,
    workspace: Workspace,
    user: User,
    file: Attachment,
  ): Promise<Started> {
    const meter = this.meter(client);
    for (const month of await endLostReadings(client)) {
      await meter.giveBack(workspace, month);
    }
    const usage = await meter.consume(workspace);
    if (!usage.allowed) {
      throw quotaError('readings', workspace.plan, usage);
    }
    if ((await countAnswers(client, usage.month)) >= usage.limit * answersPerReading) {
      await meter.giveBack(workspace, usage.month);
      throw tooManyUnread();
    }
    const id = await startReading(client, {
      tenantId: workspace.tenantId,
      month: usage.month,
      model: this.outside.extractor.model,
      fileSha256: sha256(file.bytes),
      createdBy: user.id,
    });
    return { id, month: usage.month };
  }

  /** What was not read is not paid for, and never given back twice. */
  private async end(
    client: Client,
    workspace: Workspace,
    { id, month }: Started,
    end: ReadingEnd,
  ): Promise<Usage> {
    const meter = this.meter(client);
    if ((await endReading(client, id, end)) && end.failure !== undefined) {
      await meter.giveBack(workspace, month);
    }
    return meter.usage(workspace);
  }

  private meter(client: Client): Meter {
    return new Meter('readings', new PostgresUsageStore(client), this.outside.now);
  }

  private inWorkspace<T>(
    user: User,
    work: (client: Client, workspace: Workspace) => Promise<T>,
  ): Promise<T> {
    return inWorkspaceOf(this.outside.pool, user, work);
  }
}

interface Started {
  readonly id: string;
  readonly month: string;
}

const tooManyUnread = (): ApiError =>
  new ApiError(429, 'too_many_unread', 'Too many files could not be read this month.');

function readingFailed({ failure }: ExtractionError): ApiError {
  const details = { reason: failure, charged: false };
  return failure === 'unreadable'
    ? new ApiError(422, 'unreadable', 'No receipt could be read off this file.', details)
    : new ApiError(502, 'reading_failed', 'The AI cannot be reached at the moment.', details);
}
