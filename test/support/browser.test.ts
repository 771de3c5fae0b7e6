import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { barriers, openBrowser, overflows } from './browser.ts';

const page = `<!doctype html><html lang="en"><head><title>A page</title><meta name="viewport" content="width=device-width">
<style>:root { color-scheme: light dark } @media (prefers-color-scheme: dark) { body { background: #000; color: #fff } }</style>
</head><body><main><h1>A page</h1><img src="data:," id="bare"><p>Grüße, 你好</p></main></body></html>`;

it('a page is seen on a phone and a laptop, light and dark, and its barriers are named', async () => {
  const server = createServer((_, reply) => {
    reply.setHeader('content-security-policy', "default-src 'self'; style-src 'unsafe-inline'");
    reply.setHeader('content-type', 'text/html; charset=utf-8').end(page);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`;
  const folder = mkdtempSync(join(tmpdir(), 'muniment-shots-'));
  const browser = await openBrowser();
  try {
    const opened = await browser.open(url, { width: 375, scheme: 'dark' });
    expect(await overflows(opened)).toBe(false);
    expect((await barriers(opened)).map(({ rule }) => rule)).toEqual(['image-alt']);
    const shots = await browser.shots(url, folder, 'page');
    expect(shots).toHaveLength(4);
    // Width and height stand in the first chunk of a PNG, big-endian, from byte 16.
    expect(shots.map((path) => readFileSync(path).readUInt32BE(16))).toEqual([375, 375, 1280, 1280]);
    expect(readFileSync(shots[0] ?? '')).not.toEqual(readFileSync(shots[1] ?? ''));

    const withoutScripts = await browser.open(url, { width: 375, scheme: 'light', scripts: false });
    expect(await withoutScripts.locator('h1').textContent()).toBe('A page');
  } finally {
    await browser.close();
    server.close();
    rmSync(folder, { recursive: true });
  }
});
