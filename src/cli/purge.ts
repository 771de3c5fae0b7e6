import { setTimeout as pause } from 'node:timers/promises';
import { formatInstant } from '../core/instants.ts';
import { isRefusal } from '../core/refusal.ts';
import type { Run } from '../disposition/run.ts';
import { certifyRun } from '../flows/certify-run.ts';
import { executeRun } from '../flows/execute-run.ts';
import { lookUpRun } from '../flows/look-up.ts';
import type { Office } from '../flows/office.ts';
import { planDisposition } from '../flows/plan-run.ts';
import { bringLedgerUpToDate } from '../flows/read-ledger.ts';
import { flag, readWords } from './arguments.ts';
import { type OfficeVerb, printOutcome, printRefusal } from './verb.ts';

/** One disposition run now: the same flow as the clock's and the API's, worked off here. */
export const purge: OfficeVerb = {
  usage: 'purge [--rule ID]... [--dry-run]',
  async run(office, actor, words, out) {
    const parsed = readWords(words, ['rule'], ['dry-run', 'json']);
    const planned = await planDisposition(office, actor, {
      rules: parsed.options.get('rule') ?? [],
      dryRun: flag(parsed, 'dry-run'),
    });
    if (isRefusal(planned)) return printRefusal(out, planned);
    if (planned.state === 'running') await workOff(office, planned.id);
    await bringLedgerUpToDate(office);
    const run = await lookUpRun(office, planned.id);
    const code = printOutcome(out, run, linesOf, documentOf);
    if (code !== 0 || isRefusal(run)) return code;
    return run.state === 'completed' || run.state === 'planned' ? 0 : 1;
  },
};

/** Do the run here, or wait for the service that took it: whoever is first works, and a dead one is taken over. */
async function workOff(office: Office, id: string): Promise<void> {
  for (;;) {
    await executeRun(office, id);
    const run = await lookUpRun(office, id);
    if (isRefusal(run) || run.certificate) return;
    if (run.state !== 'running') break;
    await pause(500);
  }
  await certifyRun(office, id);
}

function linesOf(run: Run): readonly string[] {
  return [
    `Run ${run.id}: ${run.state.replace('_', ' ')}${run.dryRun ? ' (dry run: nothing was destroyed)' : ''}`,
    ...run.parts.map((part) =>
      part.refusal
        ? `  ${part.dataset}: not done (${part.refusal.code}): ${part.refusal.detail}`
        : `  ${part.dataset}, older than ${run.cutoffs[part.rule] ?? ''}: ${part.due} due, ${part.held} held, ${part.restricted} restricted, ${part.destroyed} ${part.act === 'mask' ? 'masked' : 'destroyed'}`,
    ),
    ...(run.refusal ? [`${run.refusal.code}: ${run.refusal.detail}`] : []),
    ...(run.state === 'awaiting_approval'
      ? [`Somebody else must approve it (${run.approvalReasons.join(', ')}).`]
      : []),
  ];
}

function documentOf(run: Run) {
  const { runKey: _, version: _version, plannedAt, finishedAt, parts, ...rest } = run;
  return {
    ...rest,
    plannedAt: formatInstant(plannedAt),
    finishedAt: finishedAt ? formatInstant(finishedAt) : null,
    rules: parts,
  };
}
