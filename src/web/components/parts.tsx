import type { Child } from 'hono/jsx';
import type { Refusal } from '../../core/refusal.ts';

/** An instant in a zone, with UTC at hand. `when`: in words for people, to the minute. */
export function Time({ at, zone }: { readonly at: Temporal.Instant | string; readonly zone: string }) {
  const instant = typeof at === 'string' ? Temporal.Instant.from(at) : at;
  const utc = instant.toString({ smallestUnit: 'second' });
  return (
    <time datetime={utc} title={utc}>
      {inWords(instant, zone)}
    </time>
  );
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** "27 Nov 2026, 01:30 (-08:00)". */
function inWords(instant: Temporal.Instant, zone: string): string {
  const local = instant.toZonedDateTimeISO(zone);
  return `${local.day} ${months[local.month - 1]} ${local.year}, ${local.toPlainTime().toString({ smallestUnit: 'minute' })} (${local.offset})`;
}

/** "Mon 21 Dec 2026" of an ISO date. */
export function dayInWords(date: string): string {
  const day = Temporal.PlainDate.from(date);
  return `${weekdays[day.dayOfWeek - 1]} ${day.day} ${months[day.month - 1]} ${day.year}`;
}

export type Tone = 'ok' | 'warn' | 'danger' | 'info' | 'seal' | 'quiet';

const shapes: Readonly<Record<Tone, string>> = {
  ok: 'M2 6.5 5 9.5 10 3',
  warn: 'M6 1 11 11H1Z',
  danger: 'M2 2 10 10M10 2 2 10',
  info: 'M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1Z',
  seal: 'M6 1 11 4v4L6 11 1 8V4Z',
  quiet: 'M2 6h8',
};

/** A state: a word with a shape of its own, so that colour is never alone. */
export function Pill({ tone, children }: { readonly tone: Tone; readonly children: Child }) {
  return (
    <span class={`pill ${tone}`}>
      <svg
        viewBox="0 0 12 12"
        fill="none"
        stroke="currentColor"
        stroke-width="1.8"
        stroke-linecap="round"
        stroke-linejoin="round"
        aria-hidden="true"
      >
        <path d={shapes[tone]} />
      </svg>
      {children}
    </span>
  );
}

const tones: Readonly<Record<string, Tone>> = {
  received: 'info',
  verifying: 'info',
  gathering: 'info',
  review: 'warn',
  fulfilling: 'info',
  closed: 'quiet',
  pending: 'warn',
  active: 'ok',
  release_requested: 'warn',
  released: 'quiet',
  planned: 'quiet',
  awaiting_approval: 'warn',
  running: 'info',
  paused: 'warn',
  completed: 'ok',
  cancelled: 'quiet',
  failed: 'danger',
  refused: 'danger',
  done: 'ok',
  authenticating: 'info',
  collecting: 'info',
  answered: 'ok',
  withdrawn: 'quiet',
  sealing: 'info',
  sealed: 'seal',
  destroyed: 'ok',
  open: 'danger',
  assessed: 'warn',
  authority_notified: 'info',
  authority_not_required: 'info',
  persons_notified: 'ok',
  persons_not_required: 'ok',
};

/** A state by its name. */
export function State({ state }: { readonly state: string }) {
  return <Pill tone={tones[state] ?? 'quiet'}>{state.replaceAll('_', ' ')}</Pill>;
}

/** A deadline: words first, then how much of the time is used. */
export function Deadline({
  dueOn,
  dueAt,
  from,
  now,
  clock,
  href,
}: {
  readonly dueOn: string | null;
  readonly dueAt: Temporal.Instant | null;
  readonly from: Temporal.Instant;
  readonly now: Temporal.Instant;
  readonly clock: string;
  readonly href?: string;
}) {
  if (clock === 'stopped') return <span class="muted">Answered</span>;
  if (dueOn === null || dueAt === null) return <span>{clock === 'paused' ? 'Paused' : 'No date yet'}</span>;
  const total = dueAt.epochMilliseconds - from.epochMilliseconds;
  const used = Math.min(1, Math.max(0, (now.epochMilliseconds - from.epochMilliseconds) / Math.max(total, 1)));
  const days = Math.ceil((dueAt.epochMilliseconds - now.epochMilliseconds) / 86_400_000) - 1;
  const tone = days < 0 ? 'danger' : days <= 7 ? 'warn' : 'ok';
  const words = `Due ${dayInWords(dueOn)} · ${days < 0 ? `${-days} day${days === -1 ? '' : 's'} late` : days === 0 ? 'today' : `${days} day${days === 1 ? '' : 's'} left`}`;
  return (
    <div class="deadline">
      {href ? <a href={href}>{words}</a> : <span>{words}</span>}
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        <rect class="track" width="100" height="4" rx="2" />
        <rect class={`fill ${tone}`} width={String(Math.max(2, Math.round(used * 100)))} height="4" rx="2" />
      </svg>
    </div>
  );
}

export function Facts({ rows }: { readonly rows: readonly (readonly [string, Child])[] }) {
  return (
    <dl class="facts">
      {rows.map(([label, value]) => (
        <>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </>
      ))}
    </dl>
  );
}

/** A column of a table; `number` aligns right. */
export interface Column<T> {
  readonly head: string;
  readonly number?: boolean;
  readonly cell: (row: T) => Child;
}

/** A table that becomes cards on a phone; says what will stand there while it is empty. */
export function Table<T>({
  label,
  columns,
  rows,
  empty,
}: {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly empty: Child;
}) {
  if (rows.length === 0) return <div class="empty">{empty}</div>;
  return (
    <section class="table-wrap" aria-label={label} tabindex={0}>
      <table class="cards-on-phone">
        <thead>
          <tr>
            {columns.map(({ head, number }) => (
              <th scope="col" class={number ? 'number' : ''}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr>
              {columns.map(({ head, number, cell }) => (
                <td class={number ? 'number' : ''} data-label={head}>
                  <span>{cell(row)}</span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** A digest or id: short everywhere in the same way, whole on demand. */
export function Hash({ value }: { readonly value: string }) {
  return (
    <span class="hash" title={value}>
      {value.length <= 20 ? value : `${value.slice(0, 10)}…${value.slice(-6)}`}
    </span>
  );
}

/** What was not done, why, and what to do instead. */
export function RefusalNotice({ refusal }: { readonly refusal: Refusal }) {
  return (
    <div class="notice danger" role="alert">
      <p>
        <strong>{refusal.detail}</strong>
      </p>
      {refusal.errors.length > 0 ? (
        <ul>
          {refusal.errors.map(({ pointer, detail }) => (
            <li>{pointer ? <a href={`#${pointer.split('/').at(-1) ?? ''}`}>{detail}</a> : detail}</li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}

/** One field with its label, its hint and what is wrong with it. */
export function Field({
  name,
  label,
  hint,
  error,
  children,
}: {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  readonly error?: string | undefined;
  readonly children: Child;
}) {
  return (
    <div class="field">
      <label for={name}>{label}</label>
      {hint ? (
        <p class="hint" id={`${name}-hint`}>
          {hint}
        </p>
      ) : null}
      {error ? (
        <p class="error" id={`${name}-error`}>
          {error}
        </p>
      ) : null}
      {children}
    </div>
  );
}

/** The error for a field of a refused form, by the last step of its pointer. */
export function errorFor(refusal: Refusal | null, name: string): string | undefined {
  return refusal?.errors.find(({ pointer }) => pointer.split('/').at(-1) === name)?.detail;
}

/** A form that posts back; that it came from our own page is asked of the browser's Origin (see app.tsx). */
export function PostForm({
  action,
  multipart,
  children,
}: {
  readonly action: string;
  readonly multipart?: boolean;
  readonly children: Child;
}) {
  return (
    <form method="post" action={action} class="stack" {...(multipart ? { enctype: 'multipart/form-data' } : {})}>
      {children}
    </form>
  );
}

/** Preparer and approver, side by side. */
export function TwoPeople({ preparer, approver }: { readonly preparer: string; readonly approver: string | null }) {
  return (
    <div class="people">
      <div class="done">
        <div class="muted small">Prepared by</div>
        <div>{preparer}</div>
      </div>
      <div class={approver ? 'done' : ''}>
        <div class="muted small">Approved by</div>
        <div>{approver ?? 'Someone else must approve this'}</div>
      </div>
    </div>
  );
}
