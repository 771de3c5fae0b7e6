import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { raw } from 'hono/html';

/** What an icon stands for here, and which drawing of Lucide it is (src/web/icons, ISC License). */
const drawings = {
  overview: 'house',
  requests: 'inbox',
  demands: 'scale',
  holds: 'lock',
  retention: 'clock',
  exports: 'package',
  ledger: 'book-text',
  policies: 'file-text',
  mail: 'mail',
  settings: 'users',
  copy: 'copy',
  next: 'arrow-right',
  download: 'download',
  info: 'info',
  search: 'search',
  check: 'shield-check',
  leave: 'log-out',
  add: 'plus',
} as const;
export type IconName = keyof typeof drawings;

const inner = (file: string) =>
  readFileSync(fileURLToPath(new URL(`../icons/${file}.svg`, import.meta.url)), 'utf8')
    .replace(/^[\s\S]*?<svg[^>]*>/, '')
    .replace(/<\/svg>\s*$/, '');

const shapes = Object.fromEntries(Object.entries(drawings).map(([name, file]) => [name, inner(file)]));

/** An icon beside a word; it says nothing by itself. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg
      class="icon"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      {raw(shapes[name] ?? '')}
    </svg>
  );
}

/** The mark: an M within a seal's ring. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" fill="none" stroke="currentColor" stroke-width="2" aria-hidden="true">
      <circle cx="16" cy="16" r="14" />
      <circle cx="16" cy="16" r="11" stroke-width="1" stroke-dasharray="1.2 1.6" />
      <path d="M10 21V11l6 7 6-7v10" stroke-linejoin="round" stroke-linecap="round" stroke-width="2.2" />
    </svg>
  );
}
