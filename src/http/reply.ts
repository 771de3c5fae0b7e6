import { Readable } from 'node:stream';
import type { Context } from 'hono';

/** Reply with bytes that stream from the store, as a download that no browser runs or sniffs. */
export function replyBytes(
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
