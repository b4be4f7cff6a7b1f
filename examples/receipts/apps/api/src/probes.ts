import type { Log } from './log.ts';

export type ProbeState = 'reachable' | 'unreachable' | 'not configured';

/** A service that can be asked whether it answers. */
export interface Probed {
  readonly state: 'configured' | 'not configured';
  probe(): Promise<void>;
}

/** Milliseconds for which an answer is good: whoever asks, the vendor is not asked more often. */
const freshness = 10_000;

/** Asks services whether they answer us, with a real and cheap request. */
export class Probes {
  private readonly log: Log;
  private readonly now: () => number;
  private readonly asked = new Map<string, { readonly at: number; answer: Promise<ProbeState> }>();

  constructor(log: Log, now: () => number = () => performance.now()) {
    this.log = log;
    this.now = now;
  }

  ask(name: string, service: Probed): Promise<ProbeState> {
    if (service.state === 'not configured') {
      return Promise.resolve('not configured');
    }
    const known = this.asked.get(name);
    if (known !== undefined && this.now() - known.at < freshness) {
      return known.answer;
    }
    const answer = service.probe().then(
      (): ProbeState => 'reachable',
      (error: unknown): ProbeState => {
        this.log.error(`${name} does not answer`, error);
        return 'unreachable';
      },
    );
    this.asked.set(name, { at: this.now(), answer });
    return answer;
  }
}
