import { pendingCount } from '../db/ledger.ts';
import type { Office } from './office.ts';

export interface HealthReport {
  readonly ok: boolean;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
}

/** Whether this process can do its work: its database, its tasks, its sources, its mail. */
export async function readHealth(office: Office): Promise<HealthReport> {
  const checks: { name: string; ok: boolean; detail: string }[] = [];
  const check = async (name: string, ask: () => Promise<string | null>) => {
    try {
      const wrong = await ask();
      checks.push({ name, ok: wrong === null, detail: wrong ?? 'good' });
    } catch {
      checks.push({ name, ok: false, detail: 'no answer' });
    }
  };
  await check('database', async () => {
    await office.store.db.sql`SELECT 1`;
    return null;
  });
  await check('ledger', async () => {
    const waiting = await pendingCount(office.store.db);
    return waiting > 10_000 ? `${waiting} entries wait for their place: is a worker running?` : null;
  });
  await check('tasks', async () => {
    const failed = await office.store.tasks.failedCount();
    return failed > 0 ? `${failed} tasks were given up: see "doctor"` : null;
  });
  for (const source of office.sources.values())
    await check(`source ${source.name}`, async () => {
      const drift = (await source.check()).filter(({ level }) => level === 'drift');
      return drift[0]?.detail ?? null;
    });
  await check('mail', async () => ((await office.post.check()) === false ? 'the mail server does not answer' : null));
  return { ok: checks.every(({ name, ok }) => ok || name === 'tasks'), checks };
}
