/** One JSON object a line, which is what log collectors read. What is an error is also reported. */
export interface Log {
  info(message: string, facts?: Readonly<Record<string, unknown>>): void;
  error(message: string, error: unknown): void;
}

export function createLog(
  write: (line: string) => void,
  report: (message: string, error: unknown) => void = () => undefined,
): Log {
  const line = (level: string, message: string, facts: Readonly<Record<string, unknown>>): void => {
    write(JSON.stringify({ time: new Date().toISOString(), level, message, ...facts }));
  };
  return {
    info: (message, facts = {}) => {
      line('info', message, facts);
    },
    error: (message, error) => {
      const stack = error instanceof Error ? error.stack : String(error);
      line('error', message, { stack });
      report(message, error);
    },
  };
}
