/** Set by us on each request to the auth library, which counts attempts per address. */
export const clientAddressHeader = 'x-receipts-client-address';

/** What the server knows about the connection that a request came in on. */
export interface Connection {
  readonly incoming?: { readonly socket: { readonly remoteAddress?: string | undefined } };
}

/**
 * The same request, with the caller's address in a header that the caller cannot choose. Behind a
 * proxy of ours the address is the last one that it noted; otherwise it is the connection's own.
 */
export function withClientAddress(
  request: Request,
  connection: Connection | undefined,
  behindProxy: boolean,
): Request {
  const headers = new Headers(request.headers);
  headers.delete(clientAddressHeader);
  const noted = headers.get('x-forwarded-for')?.split(',').at(-1)?.trim();
  const address = behindProxy ? noted : connection?.incoming?.socket.remoteAddress;
  if (address) {
    headers.set(clientAddressHeader, address);
  }
  return new Request(request, { headers });
}
