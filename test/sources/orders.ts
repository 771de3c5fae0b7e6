import { type BatchResult, batchId } from '../../src/disposition/batch.ts';
import type { Due } from '../../src/policy/due.ts';
import type { BatchSurroundings, RecordSource } from '../../src/sources/source.ts';

/** A batch as tests order it; what is left out is the same for all. */
export interface Destruction {
  readonly dataset?: string;
  readonly cutoff?: string;
  /** Instead of a cutoff alone. */
  readonly due?: Due;
  readonly rows?: number;
  readonly seq?: number;
  readonly from?: string | null;
  readonly knownEpoch?: number;
  readonly mustHold?: readonly string[];
  /** What else the world around it is. */
  readonly around?: Partial<BatchSurroundings>;
}

/** Everything older than that, where no other rule says anything. */
export const olderThan = (cutoff: string): Due => ({
  act: 'destroy',
  cutoff: Temporal.Instant.from(cutoff),
  where: [],
  not: [],
  keptBy: [],
  beneath: {},
});

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
    intendRewrite: async () => {},
    withdraw: async () => {},
    ...order.around,
  };
  return app.destroyBatch(
    {
      batch: batchId('run_1', 'rule', dataset, seq),
      run: 'run_1',
      dataset,
      seq,
      due: order.due ?? olderThan(order.cutoff ?? '2020-01-01T00:00:00Z'),
      policy: 'p'.repeat(64),
      runKey,
      pseudonyms: new Uint8Array(32).fill(9),
      lockSeconds: 10,
      rows: order.rows ?? 1000,
    },
    around,
  );
}
