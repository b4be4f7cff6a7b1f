/**
 * The origins that a page of ours may have: those of the address that the request was sent to. A
 * deployment then works under each of its addresses without being told them; the API is deployed
 * before the web app that sends to it, and could not be told that one's. No foreign page can forge
 * them: a browser sets Host itself, and asks first before it sends X-Forwarded-Host.
 * Behind a proxy that ends TLS the request looks like plain http, so both schemes are named.
 */
export function ownOrigins(request: Request): string[] {
  const asked = new URL(request.url).host;
  const forwarded = request.headers.get('x-forwarded-host');
  const hosts = forwarded === null ? [asked] : [asked, forwarded];
  return hosts.flatMap((host) => [`http://${host}`, `https://${host}`]);
}
