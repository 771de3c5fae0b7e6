import { setTimeout as pause } from 'node:timers/promises';
import type { Office } from '../flows/office.ts';
import { bringLedgerUpToDate } from '../flows/read-ledger.ts';

const everyMs = 1000;

/**
 * Give ledger entries their place within seconds, for as long as this process lives. Any number of processes may do
 * so; the database lets one work at a time.
 */
export function startSequencer(
  office: Office,
  report: (what: string, error: unknown) => void,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const loop = (async () => {
    while (!stopping.signal.aborted) {
      await bringLedgerUpToDate(office).catch((error) => report('ledger sequencer', error));
      await pause(everyMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await loop;
      // What was committed while the rest stopped still gets its place.
      await bringLedgerUpToDate(office).catch((error) => report('ledger sequencer', error));
    },
  };
}
