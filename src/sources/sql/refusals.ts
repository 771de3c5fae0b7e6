import { type Refusal, refuse } from '../../core/refusal.ts';

/** Why no batch is taken from a source, in the same words for every engine. Each says that nothing was done. */

export function refuseTimeless(dataset: string): Refusal {
  return refuse(
    'source_drift',
    `${dataset} has no usable time column in the source. Nothing was destroyed; run "source check".`,
    { dataset },
  );
}

/** @param epoch what the source knows of; null where it has nothing of Muniment's */
export function refuseBehind(source: string, epoch: number | null, knownEpoch: number): Refusal {
  return refuse(
    'hold_epoch_behind',
    `Source ${source} knows holds up to epoch ${epoch ?? 'none'}, Muniment knows ${knownEpoch}: it was restored. Nothing was destroyed; place the holds again first.`,
    { source },
  );
}

export function refuseForgotten(source: string, hold: string): Refusal {
  return refuse(
    'hold_epoch_behind',
    `Source ${source} does not know hold ${hold} any more: it was restored. Nothing was destroyed; place the holds again first.`,
    { source, hold },
  );
}

export function refuseErasureBehind(source: string): Refusal {
  return refuse(
    'hold_epoch_behind',
    `Source ${source} was restored to a state before the holds Muniment knows. Nothing was erased; place the holds again first.`,
    { source },
  );
}
