import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A policy as strict as a page can have: scripts of its own address, no code from text, and nothing else at all. */
export const StrictPolicy = "default-src 'none'; script-src 'self'";

const types: Readonly<Record<string, string>> = { html: 'text/html; charset=utf-8', js: 'text/javascript' };

export interface Served {
  readonly address: string;
  close(): Promise<void>;
}

/** Serves files by their names on loopback, each with the policy if there is one. */
export async function servePages(files: ReadonlyMap<string, string>, policy?: string): Promise<Served> {
  const server: Server = createServer((request, response) => {
    const name = new URL(request.url ?? '/', 'http://localhost').pathname.slice(1) || 'index.html';
    const body = name === 'favicon.ico' ? '' : files.get(name);
    if (policy !== undefined) response.setHeader('content-security-policy', policy);
    response.setHeader('content-type', types[name.split('.').at(-1) as string] ?? 'text/plain');
    response.statusCode = body === undefined ? 404 : 200;
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}/`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
