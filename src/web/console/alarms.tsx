import { type AlarmKind, alarmKinds } from '../../ledger/alarm.ts';
import { Hash, Time } from '../components/parts.tsx';
import { ConsolePage, type Frame } from '../layout.tsx';
import { type LendingRow, LendingTable } from './access.tsx';
import { Act } from './account.tsx';

export interface AlarmsProps {
  readonly frame: Frame;
  readonly alarms: readonly {
    readonly id: string;
    readonly kind: AlarmKind;
    readonly at: Temporal.Instant;
    readonly facts: Readonly<Record<string, string | number | null>>;
    readonly mailedAt: Temporal.Instant | null;
    readonly postedAt: Temporal.Instant | null;
    readonly seenAt: Temporal.Instant | null;
    readonly seenBy: string | null;
  }[];
  readonly names: ReadonlyMap<string, string>;
  /** Roles taken in an emergency that nobody else has reviewed. */
  readonly lendings: readonly LendingRow[];
  /** Who is told besides this page. */
  readonly told: readonly string[];
}

/** What somebody should look at now, and what was looked at. */
export function AlarmsPage({ frame, alarms, names, lendings, told }: AlarmsProps) {
  const open = alarms.filter(({ seenAt }) => seenAt === null);
  const seen = alarms.filter(({ seenAt }) => seenAt !== null);
  return (
    <ConsolePage title="Alarms" frame={frame} here="/console/alarms">
      <h1>Alarms</h1>
      <p>
        {told.length > 0
          ? `Each alarm also goes to ${told.join(' and to ')}.`
          : 'Nobody is told of alarms besides this page: that needs SMTP_URL and an address under alarms in organization.yaml, or ALARM_WEBHOOK_URL.'}
      </p>
      {lendings.length > 0 ? (
        <section class="stack-tight">
          <h2>Roles taken in an emergency, to review</h2>
          <LendingTable frame={frame} lendings={lendings} names={names} empty="" />
        </section>
      ) : null}
      {open.length === 0 ? (
        <div class="empty">
          Nothing to look at. Sign-ins that fail again and again, new people and tokens, changed roles, purges held back
          by a guard and approvals at odd hours will stand here.
        </div>
      ) : (
        open.map((alarm) => <AlarmCard frame={frame} alarm={alarm} names={names} />)
      )}
      {seen.length > 0 ? (
        <details>
          <summary>{seen.length} looked at</summary>
          {seen.map((alarm) => (
            <AlarmCard frame={frame} alarm={alarm} names={names} />
          ))}
        </details>
      ) : null}
    </ConsolePage>
  );
}

function AlarmCard({
  frame,
  alarm,
  names,
}: {
  readonly frame: Frame;
  readonly alarm: AlarmsProps['alarms'][number];
  readonly names: ReadonlyMap<string, string>;
}) {
  const { title, next } = alarmKinds[alarm.kind];
  const named = (value: string | number | null) => {
    if (value === null) return 'not known';
    const text = String(value);
    if (/^\d{4}-\d{2}-\d{2}T/.test(text)) return <Time at={text} zone={frame.zone} />;
    return names.get(text) ?? <Hash value={text} />;
  };
  return (
    <article class="card alarm">
      <div>
        <h2>{title}</h2>
        <p class="small muted">
          <Time at={alarm.at} zone={frame.zone} />
          {alarm.mailedAt ? ', mailed' : ''}
          {alarm.postedAt ? ', posted' : ''}
          {alarm.seenBy ? `, looked at by ${names.get(alarm.seenBy) ?? alarm.seenBy}` : ''}
        </p>
        <p class="small">
          {Object.entries(alarm.facts).map(([name, value]) => (
            <span class="fact">
              <span class="muted">{name}</span> {named(value)}
            </span>
          ))}
        </p>
        <p class="small">{next}</p>
      </div>
      {alarm.seenAt === null && frame.may('alarms.work') ? (
        <Act action={`/console/alarms/${alarm.id}/seen`} label="I have looked at it" />
      ) : null}
    </article>
  );
}
