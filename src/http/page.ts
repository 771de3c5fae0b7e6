import { z } from '@hono/zod-openapi';
import type { Page } from '../flows/look-up.ts';

/** `?limit=&cursor=`; a cursor is opaque and only what an answer gave. */
export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z
    .string()
    .regex(/^o[0-9]{1,9}$/, 'Use a cursor that an answer gave as nextCursor.')
    .optional(),
});

export function toPage({ limit, cursor }: z.output<typeof pageQuery>): Page {
  return { limit, offset: cursor === undefined ? 0 : Number(cursor.slice(1)) };
}

/** Items in their outside form, and the cursor to the next page where this one is full. */
export function toList<T, V>(page: Page, items: readonly T[], view: (item: T) => V) {
  return {
    items: items.map(view),
    nextCursor: items.length < page.limit ? null : `o${page.offset + page.limit}`,
  };
}

export const idText = z.string().regex(/^[a-z]{3}_[0-9a-z]{26}$/, 'That is not an id.');

export const idParams = z.object({ id: idText });
