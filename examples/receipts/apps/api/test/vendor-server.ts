import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it came in. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly bytes: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A server of a test's own in a vendor's place: answers as told and keeps what it was sent. */
export class VendorServer {
  readonly received: Received[] = [];
  /** What is answered next; the test changes it as it goes along. */
  answer: (request: Received) => Answer | Promise<Answer>;
  private readonly server: Server;

  private constructor(answer: VendorServer['answer']) {
    this.answer = answer;
    this.server = createServer((request, response) => {
      void this.receive(request).then(({ body, headers, status }) => {
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
        response.end(typeof body === 'string' ? body : JSON.stringify(body));
      });
    });
  }

  static async start(answer: VendorServer['answer']): Promise<VendorServer> {
    const vendor = new VendorServer(answer);
    await new Promise<void>((resolve) => {
      vendor.server.listen(0, '127.0.0.1', resolve);
    });
    return vendor;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** What came last. */
  get last(): Received {
    const last = this.received.at(-1);
    if (last === undefined) {
      throw new Error('Nothing has come in yet.');
    }
    return last;
  }

  /** Answers in this order, and then with the last of them. */
  answerInTurn(...answers: [Answer, ...Answer[]]): void {
    let turn = 0;
    const [first] = answers;
    this.answer = () => {
      const answer = answers[Math.min(turn, answers.length - 1)] ?? first;
      turn += 1;
      return answer;
    };
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.server.close(() => {
        resolve();
      });
    });
  }

  private async receive(request: IncomingMessage): Promise<Answer> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk as Buffer);
    }
    const { headers, method = '', url: path = '' } = request;
    const bytes = Buffer.concat(chunks);
    const received = { method, path, headers, bytes, body: bytes.toString() };
    this.received.push(received);
    return this.answer(received);
  }
}
