/**
 * web/ promises the same flows for people: pages that work without a script, on a phone, with a keyboard, in print and
 * in the dark, and that never ask another host for anything. A page takes plain data; routes parse, call a flow, and
 * show what came back.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Hono } from 'hono';
import { sha256Hex } from '../core/hash.ts';

interface Asset {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
}

const own = (name: string) => readFileSync(fileURLToPath(new URL(`./assets/${name}`, import.meta.url)));
const font = (family: string, subset: string, weight: number) =>
  readFileSync(
    fileURLToPath(import.meta.resolve(`@fontsource/${family}/files/${family}-${subset}-${weight}-normal.woff2`)),
  );
const asset = (bytes: Uint8Array, type: string): Asset => ({ bytes: new Uint8Array(bytes), type });

/** Every file the pages need, read once. */
function load(): ReadonlyMap<string, Asset> {
  const css = Buffer.concat([own('tokens.css'), own('site.css')]);
  const woff = 'font/woff2';
  return new Map([
    ['site.css', asset(css, 'text/css; charset=utf-8')],
    ['mark.svg', asset(own('mark.svg'), 'image/svg+xml')],
    ['public-sans-latin-400.woff2', asset(font('public-sans', 'latin', 400), woff)],
    ['public-sans-latin-ext-400.woff2', asset(font('public-sans', 'latin-ext', 400), woff)],
    ['public-sans-latin-600.woff2', asset(font('public-sans', 'latin', 600), woff)],
    ['source-serif-4-latin-400.woff2', asset(font('source-serif-4', 'latin', 400), woff)],
    ['source-serif-4-latin-600.woff2', asset(font('source-serif-4', 'latin', 600), woff)],
    ['ibm-plex-mono-latin-400.woff2', asset(font('ibm-plex-mono', 'latin', 400), woff)],
  ]);
}

const assets = load();

/** The style sheet's address; it changes with its content, so browsers may keep it for ever. */
export const styleSheet = `/assets/site.css?v=${sha256Hex(assets.get('site.css')?.bytes ?? '').slice(0, 12)}`;

/** Serves /assets. */
export function assetRoutes(): Hono {
  const app = new Hono();
  app.get('/assets/:name', (c) => {
    const found = assets.get(c.req.param('name'));
    if (!found) return c.notFound();
    c.header('Content-Type', found.type);
    c.header('X-Content-Type-Options', 'nosniff');
    c.header(
      'Cache-Control',
      c.req.query('v') || found.type === 'font/woff2' ? 'public, max-age=31536000, immutable' : 'public, max-age=300',
    );
    return c.body(found.bytes);
  });
  app.get('/favicon.ico', (c) => c.redirect('/assets/mark.svg', 302));
  return app;
}
