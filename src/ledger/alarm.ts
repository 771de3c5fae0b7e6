import type { Entry } from './entry.ts';

/** What wakes somebody: a few kinds, each with what it means and what to look at. */
export const alarmKinds = {
  failed_sign_ins: {
    title: 'Somebody keeps trying to sign in',
    next: 'Ask the person whether it was them. If not, let them change the password; their known devices still work.',
  },
  recovery_code_used: {
    title: 'A recovery code was used',
    next: 'Ask the person whether it was them and whether they still have their second factor.',
  },
  person_made: {
    title: 'Somebody was given access',
    next: 'Check that this person was meant to be let in, with this role.',
  },
  invited_again: {
    title: 'A new link to set a password was made',
    next: 'Ask the person whether they forgot their password. The link alone opens nothing: their second factor stays.',
  },
  token_made: {
    title: 'An API token was made',
    next: 'Check who asked for it and what it is for. Revoke it under People and keys if nobody knows.',
  },
  role_changed: {
    title: 'A role was changed',
    next: 'Check that the change was meant. Whoever was signed in with the old role has been signed out.',
  },
  role_lent: {
    title: 'Somebody took another role in an emergency',
    next: 'Ask them what happened; their reason stands on the page of it, under Alarms. Somebody else reviews what was done.',
  },
  second_factor_removed: {
    title: 'A second factor was taken away',
    next: 'Ask the person whether it was them. Until they set one up they can do nothing.',
  },
  approval_outside_hours: {
    title: 'Something was approved outside working hours',
    next: 'Ask the approver whether it was them.',
  },
  many_exports: {
    title: 'Unusually many exports by one person',
    next: 'Look at the exports of the last day and ask what they are for.',
  },
  guard_fired: {
    title: 'A purge was held back by a guard',
    next: 'Read the run: it says which guard, and what to do.',
  },
  incident_opened: {
    title: 'A breach of personal data was recorded',
    next: 'Assess the risk and tell the authority by the time given, or have a second person decide that it need not be told.',
  },
  incident_clock: {
    title: 'Less than a day is left to tell the authority of a breach',
    next: 'Tell the authority what is known now: the rest may follow in phases (GDPR art. 33(4)).',
  },
  hold_review_due: {
    title: 'A hold is due to be looked at',
    next: 'Open the hold: say that it is needed on and when to look again, or ask for its release. Nothing is released by itself.',
  },
  demand_unheld: {
    title: 'A preservation demand could not be held as it is written',
    next: 'Read the paper and place a hold for the demand by hand, today: it is to be preserved from its receipt on.',
  },
  held_missing: {
    title: 'Held records are gone, or were changed out of their hold',
    next: 'Open the coverage of the hold: it lists which, and nothing here took them. Ask whoever can write to the source; keep its backups and logs.',
  },
  custodian_silent: {
    title: 'A custodian does not answer',
    next: 'Reach them another way: they were asked and reminded by mail, and have not confirmed that they keep what they have.',
  },
  ledger_wrong: {
    title: 'The ledger does not verify',
    next: 'Stop writing, keep the database as it is, and run muniment ledger verify beside a checkpoint kept elsewhere.',
  },
} as const;
export type AlarmKind = keyof typeof alarmKinds;

/** Something that somebody should look at now. Facts are ids, codes and counts, as in the ledger (I5). */
export interface Alarm {
  readonly kind: AlarmKind;
  /** The same occasion has the same key, and raises one alarm. */
  readonly key: string;
  readonly at: string;
  readonly facts: Readonly<Record<string, string | number | null>>;
}

/** Whether an instant lies in the hours in which people work here. */
export type IsWorkingTime = (at: Temporal.Instant) => boolean;

/**
 * The alarms that an entry raises. Asked at every commit, so that nothing that should wake somebody is written without:
 * a flow cannot forget it.
 */
export function alarmsOf(entry: Entry, isWorkingTime: IsWorkingTime): readonly Alarm[] {
  const raise = (kind: AlarmKind, of: string, facts: Alarm['facts']): Alarm => ({
    kind,
    key: `${kind}/${of}`,
    at: entry.at,
    facts: { ...facts, by: entry.actor },
  });
  const late = (of: string, what: string, id: string) =>
    isWorkingTime(Temporal.Instant.from(entry.at)) ? [] : [raise('approval_outside_hours', of, { [what]: id })];
  switch (entry.kind) {
    case 'actor.created':
      // The demonstration's own people, and whoever a first start makes.
      return entry.actor === 'demo'
        ? []
        : [raise('person_made', entry.facts.actor, { actor: entry.facts.actor, role: entry.facts.role })];
    case 'actor.invited_again':
      return [raise('invited_again', `${entry.facts.actor}/${entry.at}`, { actor: entry.facts.actor })];
    case 'token.created':
      return [
        raise('token_made', entry.facts.token, {
          token: entry.facts.token,
          actor: entry.facts.actor,
          role: entry.facts.role,
          approves: entry.facts.canApprove ? 'yes' : 'no',
        }),
      ];
    case 'actor.role_changed': {
      const { actor, from, to } = entry.facts;
      return [raise('role_changed', `${actor}/${entry.at}`, { actor, from, to })];
    }
    case 'access.lent':
      return [raise('role_lent', entry.facts.lending, { ...entry.facts })];
    case 'factor.removed': {
      const { actor, factor } = entry.facts;
      return [raise('second_factor_removed', `${actor}/${entry.at}`, { actor, factor })];
    }
    case 'factor.recovery_used': {
      const { actor, left } = entry.facts;
      return [raise('recovery_code_used', `${actor}/${entry.at}`, { actor, left })];
    }
    case 'sign_in.barred':
      return [raise('failed_sign_ins', `${entry.facts.actor}/${entry.at.slice(0, 13)}`, { actor: entry.facts.actor })];
    case 'run.refused':
      return [raise('guard_fired', entry.facts.run, { run: entry.facts.run, code: entry.facts.code })];
    case 'run.awaiting_approval':
      return [raise('guard_fired', entry.facts.run, { run: entry.facts.run, code: 'awaiting_approval' })];
    case 'incident.opened': {
      const { incident, notifyBy } = entry.facts;
      return [raise('incident_opened', incident, { incident, notifyBy })];
    }
    case 'incident.moved': {
      const { incident, move } = entry.facts;
      return move.startsWith('waive_') ? late(`${incident}/${entry.at}`, 'incident', incident) : [];
    }
    case 'export.approved':
      return late(entry.facts.export, 'export', entry.facts.export);
    case 'hold.released':
      // The evidence of a request that was closed: nobody approved anything.
      if (entry.actor === 'system') return [];
      return late(entry.facts.hold, 'hold', entry.facts.hold);
    case 'run.approved':
      return late(entry.facts.run, 'run', entry.facts.run);
    case 'request.moved':
      return entry.facts.move === 'approve' ? late(entry.facts.request, 'request', entry.facts.request) : [];
    default:
      return [];
  }
}
