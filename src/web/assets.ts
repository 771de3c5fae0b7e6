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
const asset = (bytes: Uint8Array, type: string): Asset => ({ bytes: new Uint8Array(bytes), type });
/** An asset's address. It changes with its content, so browsers may keep it for ever. */
const addressOf = (name: string, { bytes }: Asset) => `/assets/${name}?v=${sha256Hex(bytes).slice(0, 12)}`;

const faces = [
  { family: 'Public Sans', weights: [400, 600] },
  { family: 'Source Serif 4', weights: [400, 600] },
  { family: 'IBM Plex Mono', weights: [400] },
] as const;
/** The code points of each part of a family that is fetched when a page needs it; the ranges are Google Fonts'. */
const subsets = {
  latin:
    'U+0000-00FF, U+0131, U+0152-0153, U+02BB-02BC, U+02C6, U+02DA, U+02DC, U+0304, U+0308, U+0329, U+2000-206F, U+20AC, U+2122, U+2191, U+2193, U+2212, U+2215, U+FEFF, U+FFFD',
  'latin-ext':
    'U+0100-02BA, U+02BD-02C5, U+02C7-02CC, U+02CE-02D7, U+02DD-02FF, U+0304, U+0308, U+0329, U+1D00-1DBF, U+1E00-1E9F, U+1EF2-1EFF, U+2020, U+20A0-20AB, U+20AD-20C0, U+2113, U+2C60-2C7F, U+A720-A7FF',
} as const;

/** The fonts' files and the rules that name them. */
function loadFonts(): { readonly css: string; readonly files: ReadonlyMap<string, Asset> } {
  const files = new Map<string, Asset>();
  const rules = faces.flatMap(({ family, weights }) =>
    weights.flatMap((weight) =>
      (Object.keys(subsets) as (keyof typeof subsets)[]).map((subset) => {
        const folder = family.toLowerCase().replaceAll(' ', '-');
        const name = `${folder}-${subset}-${weight}.woff2`;
        const path = import.meta.resolve(`@fontsource/${folder}/files/${folder}-${subset}-${weight}-normal.woff2`);
        const file = asset(readFileSync(fileURLToPath(path)), 'font/woff2');
        files.set(name, file);
        return `@font-face { font-family: "${family}"; font-weight: ${weight}; font-display: swap; src: url("${addressOf(name, file)}") format("woff2"); unicode-range: ${subsets[subset]}; }`;
      }),
    ),
  );
  return { css: rules.join('\n'), files };
}

/** Every file the pages need, read once. */
function load(): ReadonlyMap<string, Asset> {
  const { css, files } = loadFonts();
  const sheet = Buffer.concat([Buffer.from(`${css}\n`), own('tokens.css'), own('site.css')]);
  return new Map([
    ...files,
    ['site.css', asset(sheet, 'text/css; charset=utf-8')],
    ['passkey.js', asset(own('passkey.js'), 'text/javascript; charset=utf-8')],
    ['mark.svg', asset(own('mark.svg'), 'image/svg+xml')],
  ]);
}

const assets = load();

const address = (name: string) => addressOf(name, assets.get(name) ?? asset(new Uint8Array(), ''));

/** The style sheet's address. */
export const styleSheet = address('site.css');
/** The one script there is: for passkeys, which a browser gives to scripts only. */
export const passkeyScript = address('passkey.js');

/** Serves /assets. */
export function assetRoutes(): Hono {
  const app = new Hono();
  app.get('/assets/:name', (c) => {
    const found = assets.get(c.req.param('name'));
    if (!found) return c.notFound();
    c.header('Content-Type', found.type);
    c.header('X-Content-Type-Options', 'nosniff');
    c.header('Cache-Control', c.req.query('v') ? 'public, max-age=31536000, immutable' : 'public, max-age=300');
    return c.body(found.bytes);
  });
  app.get('/favicon.ico', (c) => c.redirect('/assets/mark.svg', 302));
  return app;
}
