import type { BatchResult } from '../../src/disposition/batch.ts';
import type { BatchSurroundings, RecordSource } from '../../src/sources/source.ts';

/** A batch as tests order it; what is left out is the same for all. */
export interface Destruction {
  readonly dataset?: string;
  readonly cutoff?: string;
  readonly rows?: number;
  readonly seq?: number;
  readonly from?: string | null;
  readonly knownEpoch?: number;
  readonly mustHold?: readonly string[];
}

export const runKey = new Uint8Array(32).fill(7);

/** Order one batch of a run: messages older than 2020 unless it says otherwise. */
export function destroy(app: RecordSource, order: Destruction = {}): Promise<BatchResult> {
  const { dataset = 'app.messages', seq = 1 } = order;
  const around: BatchSurroundings = {
    knownEpoch: order.knownEpoch ?? 0,
    from: order.from ?? null,
    holds: [],
    mustHold: order.mustHold ?? [],
    now: () => Temporal.Instant.from('2026-11-27T09:30:00Z'),
    intend: async () => {},
  };
  return app.destroyBatch(
    {
      batch: `run_1/${dataset}/${seq}`,
      run: 'run_1',
      dataset,
      seq,
      cutoff: Temporal.Instant.from(order.cutoff ?? '2020-01-01T00:00:00Z'),
      policy: 'p'.repeat(64),
      runKey,
      rows: order.rows ?? 1000,
    },
    around,
  );
}
