import { z } from '@hono/zod-openapi';
import { Hono } from 'hono';
import { formatInstant } from '../core/instants.ts';
import { isRefusal, refuse } from '../core/refusal.ts';
import { authenticateSession, authenticateToken } from '../flows/authenticate.ts';
import type { Office } from '../flows/office.ts';
import {
  proveConsistency,
  proveInclusion,
  readCheckpoint,
  readEntries,
  readTile,
  verifierKey,
} from '../flows/read-ledger.ts';
import { parseTilePath } from '../ledger/tile.ts';
import { mayNow } from '../policy/roles.ts';
import type { Api, SessionOf } from './endpoint.ts';
import { replyProblem } from './problem.ts';

const proofView = z.object({ proof: z.array(z.string()) });

/** The ledger for those who may read it. */
export function addLedger(api: Api, office: Office): void {
  api.add({
    method: 'get',
    path: '/ledger/entries',
    summary: 'Entries, newest first',
    tag: 'ledger',
    access: 'ledger.read',
    query: z.object({
      limit: z.coerce.number().int().min(1).max(500).default(100),
      cursor: z
        .string()
        .regex(/^i[0-9]{1,15}$/, 'Use a cursor that an answer gave as nextCursor.')
        .optional(),
    }),
    answer: z.object({
      items: z.array(
        z.object({
          index: z.int(),
          leafHash: z.string(),
          entry: z.object({
            kind: z.string(),
            at: z.string(),
            actor: z.string(),
            facts: z.record(z.string(), z.unknown()),
          }),
        }),
      ),
      nextCursor: z.string().nullable(),
    }),
    handle: async ({ query }) => {
      const items = await readEntries(
        office,
        query.limit,
        query.cursor === undefined ? null : Number(query.cursor.slice(1)),
      );
      const last = items.at(-1);
      return { items, nextCursor: items.length < query.limit || !last || last.index === 0 ? null : `i${last.index}` };
    },
  });

  api.add({
    method: 'get',
    path: '/ledger/proof',
    summary: 'Inclusion proof (RFC 9162) of an entry in the ledger of a size',
    tag: 'ledger',
    access: 'ledger.read',
    query: z.object({ index: z.coerce.number().int().nonnegative(), size: z.coerce.number().int().positive() }),
    answer: proofView.extend({ index: z.int(), size: z.int() }),
    handle: ({ query }) => proveInclusion(office, query.index, query.size),
  });

  api.add({
    method: 'get',
    path: '/ledger/consistency',
    summary: 'Consistency proof (RFC 9162) between two sizes',
    tag: 'ledger',
    access: 'ledger.read',
    query: z.object({ from: z.coerce.number().int().positive(), to: z.coerce.number().int().positive() }),
    answer: proofView.extend({ from: z.int(), to: z.int() }),
    handle: ({ query }) => proveConsistency(office, query.from, query.to),
  });
}

/** What foreign tools read (C2SP tlog-tiles), beneath /ledger. Hashes are public; entries need the auditor's right. */
export function publicLedger(office: Office, sessionOf: SessionOf): Hono {
  const app = new Hono();
  app.get('/checkpoint', async (c) => {
    const checkpoint = await readCheckpoint(office);
    if (!checkpoint) return replyProblem(c, refuse('not_found', 'The ledger has no entry yet.'));
    c.header('Cache-Control', 'no-cache');
    c.header('X-Signed-At', formatInstant(checkpoint.signedAt));
    return c.text(checkpoint.note);
  });
  app.get('/key', (c) => c.text(`${verifierKey(office)}\n`, 200, { 'Cache-Control': 'public, max-age=300' }));
  app.get('/tile/*', async (c) => {
    const tile = parseTilePath(c.req.path.slice(c.req.path.indexOf('tile/')));
    if (!tile) return replyProblem(c, refuse('not_found', 'That is not the path of a tile.'));
    if (tile.level === 'entries') {
      const [scheme, secret] = (c.req.header('Authorization') ?? '').split(' ');
      const session = secret ? null : await sessionOf(c.req.raw.headers);
      const caller =
        scheme?.toLowerCase() === 'bearer' && secret
          ? await authenticateToken(office, secret)
          : session
            ? await authenticateSession(office, session)
            : null;
      if (!caller)
        return replyProblem(
          c,
          refuse('unauthenticated', 'Entry bundles need a token with the right to read the ledger.'),
        );
      if (!mayNow(office.policy.roles, caller.actor, 'ledger.read'))
        return replyProblem(c, refuse('not_allowed', 'Your role may not read entries.', { permission: 'ledger.read' }));
    }
    const bytes = await readTile(office, tile);
    if (isRefusal(bytes)) return replyProblem(c, bytes);
    c.header('Content-Type', 'application/octet-stream');
    // A tile never changes once it is there at this width.
    c.header('Cache-Control', tile.level === 'entries' ? 'private, no-store' : 'public, max-age=31536000, immutable');
    return c.body(new Uint8Array(bytes).buffer);
  });
  return app;
}
