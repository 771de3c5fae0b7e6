import type { Actor } from '../core/actor.ts';
import { formatInstant } from '../core/instants.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import { listAlarms, loadAlarm, markAlarm, type RaisedAlarm, seeAlarm } from '../db/alarms.ts';
import { commit } from '../db/commit.ts';
import { bellDone, claimBell } from '../db/settings.ts';
import { type Alarm, alarmKinds } from '../ledger/alarm.ts';
import type { AuditResult } from '../ledger/audit.ts';
import { entry } from '../ledger/entry.ts';
import type { Page } from './look-up.ts';
import type { Office } from './office.ts';
import { verifyLedger } from './read-ledger.ts';

/**
 * The task: tell whoever is to be told, by mail and by webhook, each once. Whichever fails is tried again by itself: what
 * left already is noted and does not leave again.
 */
export async function sendAlarm(office: Office, id: string): Promise<void> {
  const alarm = await loadAlarm(office.store, id);
  if (!alarm) throw new Error(`there is no alarm ${id}`);
  const failed: unknown[] = [];
  const to = office.policy.organization.alarms.email;
  if (to !== null && office.post.leaves && alarm.mailedAt === null) {
    const sent = office.post
      .send({ to, ...mailOf(office, alarm), messageId: `<${alarm.id}@${new URL(office.publicUrl).hostname}>` })
      .then(() => markAlarm(office.store.db.orm, id, 'mailedAt', office.now()));
    await sent.catch((error: unknown) => failed.push(error));
  }
  if (office.webhook && alarm.postedAt === null) {
    const posted = office.webhook
      .post(alarm.id, office.now(), {
        type: `alarm.${alarm.kind}`,
        timestamp: formatInstant(alarm.at),
        data: { id: alarm.id, kind: alarm.kind, title: alarmKinds[alarm.kind].title, facts: alarm.facts },
      })
      .then(() => markAlarm(office.store.db.orm, id, 'postedAt', office.now()));
    await posted.catch((error: unknown) => failed.push(error));
  }
  if (failed.length > 0) throw failed[0];
}

function mailOf(office: Office, { kind, at, facts }: RaisedAlarm): { subject: string; text: string } {
  const { title, next } = alarmKinds[kind];
  const lines = Object.entries(facts).map(([name, value]) => `${name}: ${value ?? 'not known'}`);
  return {
    subject: `Muniment: ${title}`,
    text: [
      `${title}, ${formatInstant(at)}.`,
      lines.join('\n'),
      `What to do: ${next}`,
      `${office.publicUrl}/console/alarms`,
    ].join('\n\n'),
  };
}

export const alarmsPage = (office: Office, { limit, offset }: Page) => listAlarms(office.store, limit, offset);

/** Say that somebody has looked at an alarm. Who did first stays. */
export async function acknowledgeAlarm(office: Office, by: Actor, id: string): Promise<RaisedAlarm | Refusal> {
  const alarm = await loadAlarm(office.store, id);
  if (!alarm) return refuse('not_found', 'There is no such alarm.');
  if (alarm.facts.by === by.id || alarm.facts.actor === by.id)
    return refuse(
      'second_person_needed',
      'This alarm is about you. Somebody else must look at it; nothing was changed.',
      {
        alarm: id,
      },
    );
  const now = office.now();
  await commit(office.store, { state: [], entries: [], tasks: [] }, async (tx) => {
    const isFirst = await seeAlarm(tx, id, by.id, now);
    return isFirst ? [entry('alarm.seen', now, by.id, { alarm: id, kind: alarm.kind })] : [];
  });
  return (await loadAlarm(office.store, id)) ?? alarm;
}

/**
 * The nightly look at the ledger: everything is recomputed, and whatever is not as it was written raises an alarm.
 * @param slot which night; of all processes one looks
 */
export async function watchLedger(office: Office, slot: string): Promise<AuditResult | null> {
  const bell = 'watch/ledger';
  if (!(await claimBell(office.store, bell, slot, office.now()))) return null;
  const found = await verifyLedger(office, null);
  const now = office.now();
  const at = formatInstant(now);
  const alarms: readonly Alarm[] = found.ok
    ? []
    : [{ kind: 'ledger_wrong', key: `ledger_wrong/${slot}`, at, facts: { index: found.index } }];
  await commit(office.store, { state: [], entries: [], tasks: [], alarms }, async (tx) => {
    await bellDone(tx, bell, slot, null, now);
  });
  return found;
}
