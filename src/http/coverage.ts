import { z } from '@hono/zod-openapi';
import { formatInstant } from '../core/instants.ts';
import { isRefusal } from '../core/refusal.ts';
import type { Office } from '../flows/office.ts';
import { compareNow, coveragePage, readCoveredKeys } from '../flows/reconcile-hold.ts';
import type { Api } from './endpoint.ts';
import { idParams, idText } from './page.ts';
import { replyBytes } from './reply.ts';
import { instant } from './views.ts';

const keysView = z.array(z.object({ dataset: z.string(), key: z.array(z.string()) }));

const coverageView = z
  .object({
    id: z.string(),
    takenAt: instant,
    checkedAt: instant.openapi({ description: 'When the source was last compared with it.' }),
    records: z.int(),
    statement: z.string().openapi({ description: 'The exact text that was signed (docs/formats/coverage.md).' }),
    jws: z.string().openapi({ description: 'ES256 by the seal, detached: HEADER..SIGNATURE.' }),
    since: z
      .object({ added: z.int(), moved: z.int(), taken: z.int(), vanished: z.int() })
      .nullable()
      .openapi({ description: 'What had become of the records of the statement before; null: this is the first.' }),
    vanished: keysView.openapi({ description: 'Gone, and not by us; the first 1000.' }),
    moved: keysView.openapi({ description: 'There, and not covered any more; the first 1000.' }),
  })
  .openapi('Coverage');

const pageView = z.object({ items: z.array(coverageView) });

/** What a hold covers, signed, and what became of it. */
export function addCoverage(api: Api, office: Office): void {
  const page = async (hold: string) => {
    const found = await coveragePage(office, hold);
    if (isRefusal(found)) return found;
    const items = found.coverages.map(({ missing, ...coverage }): z.input<typeof coverageView> => {
      const { vanished, moved } = missing.reveal();
      const plain = (keys: typeof vanished) => keys.map(({ dataset, key }) => ({ dataset, key: [...key] }));
      return {
        id: coverage.id,
        takenAt: formatInstant(coverage.takenAt),
        checkedAt: formatInstant(coverage.checkedAt),
        records: coverage.records,
        statement: coverage.statement,
        jws: coverage.jws,
        since: coverage.since && { ...coverage.since },
        vanished: plain(vanished),
        moved: plain(moved),
      };
    });
    return { items };
  };

  api.add({
    method: 'get',
    path: '/holds/{id}/coverage',
    summary: 'What a hold covered when it was placed and at each change since, signed, newest first',
    tag: 'holds',
    access: 'holds.read',
    params: idParams,
    answer: pageView,
    handle: ({ params }) => page(params.id),
  });

  api.add({
    method: 'get',
    path: '/holds/{id}/coverage/{coverage}/keys',
    summary: 'The keys that the roots of a statement are over, as NDJSON',
    tag: 'holds',
    access: 'holds.read',
    params: idParams.extend({ coverage: idText }),
    answer: 'application/x-ndjson',
    handle: async ({ params, c }) => {
      const download = await readCoveredKeys(office, params.id, params.coverage);
      return isRefusal(download) ? download : replyBytes(c, download);
    },
  });

  api.add({
    method: 'post',
    path: '/holds/{id}/reconcile',
    summary: 'Compare a hold with its sources now; the nightly look does so by itself',
    tag: 'holds',
    access: 'holds.place',
    params: idParams,
    answer: pageView,
    handle: async ({ caller, params }) => {
      const compared = await compareNow(office, caller.actor, params.id);
      return isRefusal(compared) ? compared : page(params.id);
    },
  });
}
