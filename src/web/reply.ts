import { Readable } from 'node:stream';
import type { Context } from 'hono';
import type { HtmlEscapedString } from 'hono/utils/html';

/** What `c.html` takes; hono's JSX gives it, its types say less. */
export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

/** A text field of a form; '' where there is none. */
export function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value : '';
}

/** A file that a browser saves and never shows or runs. */
export function downloadReply(
  c: Context,
  file: {
    readonly bytes: AsyncIterable<Uint8Array>;
    readonly mediaType: string;
    readonly fileName: string;
    readonly sizeBytes?: number;
  },
): Response {
  c.header('Content-Type', file.mediaType);
  c.header('Content-Disposition', `attachment; filename="${file.fileName.replace(/[^A-Za-z0-9._-]/g, '_')}"`);
  c.header('X-Content-Type-Options', 'nosniff');
  c.header('Cache-Control', 'private, no-store');
  if (file.sizeBytes !== undefined) c.header('Content-Length', String(file.sizeBytes));
  return c.body(Readable.toWeb(Readable.from(file.bytes, { objectMode: false })) as ReadableStream);
}
