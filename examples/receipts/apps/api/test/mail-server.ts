import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly data: string;
}

/** A mail server of a test's own: takes every message, unless told to reply something else. */
export class MailServer {
  readonly mails: Mail[] = [];
  /** Said in turn to the next recipients, in place of a yes. */
  readonly replies: string[] = [];
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor() {
    this.server = createServer((socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      this.talk(socket);
    });
  }

  static async start(): Promise<MailServer> {
    const mail = new MailServer();
    await new Promise<void>((resolve) => {
      mail.server.listen(0, '127.0.0.1', resolve);
    });
    return mail;
  }

  get url(): string {
    return `smtp://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) {
      socket.destroy();
    }
    await new Promise<void>((resolve) => {
      this.server.close(() => {
        resolve();
      });
    });
  }

  private talk(socket: Socket): void {
    let from = '';
    let to: string[] = [];
    let unread = '';
    let inData = false;
    const say = (line: string): void => {
      socket.write(`${line}\r\n`);
    };
    say('220 mail.example.test ESMTP');
    socket.setEncoding('utf8').on('data', (text: string) => {
      unread += text;
      for (;;) {
        const end = inData ? '\r\n.\r\n' : '\r\n';
        const at = unread.indexOf(end);
        if (at < 0) {
          return;
        }
        const line = unread.slice(0, at);
        unread = unread.slice(at + end.length);
        if (inData) {
          this.mails.push({ from, to, data: line });
          inData = false;
          say('250 2.0.0 Taken');
          continue;
        }
        const address = /<([^>]*)>/.exec(line)?.[1] ?? '';
        switch (line.slice(0, 4).toUpperCase()) {
          case 'MAIL':
            from = address;
            to = [];
            say('250 2.1.0 Ok');
            break;
          case 'RCPT': {
            const reply = this.replies.shift() ?? '250 2.1.5 Ok';
            if (reply.startsWith('250')) {
              to.push(address);
            }
            say(reply);
            break;
          }
          case 'DATA':
            inData = true;
            say('354 Go on');
            break;
          case 'QUIT':
            say('221 2.0.0 Bye');
            socket.end();
            break;
          default:
            say('250 Ok');
        }
      }
    });
  }
}
