import type { Demand } from '../../demands/demand.ts';
import type { Hold } from '../../disposition/hold.ts';
import type { Run } from '../../disposition/run.ts';
import type { Export } from '../../evidence/export.ts';
import type { SubjectRequest } from '../../requests/request.ts';
import { Deadline, Hash, Pill, State, Table, Time } from '../components/parts.tsx';
import { ConsolePage, type Frame } from '../layout.tsx';

export interface OverviewProps {
  readonly frame: Frame;
  readonly now: Temporal.Instant;
  readonly requests: readonly SubjectRequest[];
  readonly demands: readonly Demand[];
  readonly waiting: readonly { readonly what: string; readonly href: string; readonly by: string }[];
  readonly holds: readonly Hold[];
  readonly lastRun: Run | null;
  readonly nextBells: readonly { readonly rule: string; readonly at: Temporal.Instant | null }[];
  readonly checkpoint: { readonly size: number; readonly root: string; readonly signedAt: Temporal.Instant } | null;
  readonly health: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
  readonly exports: readonly Export[];
}

/** What needs me today. */
export function OverviewPage(props: OverviewProps) {
  const { frame, now, requests, demands, waiting, holds, lastRun, nextBells, checkpoint, health } = props;
  const open = requests.filter(({ state }) => state !== 'closed');
  const openDemands = demands.filter(({ state }) => !['answered', 'refused', 'withdrawn', 'closed'].includes(state));
  const active = holds.filter(({ state }) => state !== 'released');
  const wrong = health.filter(({ ok }) => !ok);
  const destroyed = lastRun?.parts.reduce((sum, part) => sum + part.destroyed, 0) ?? 0;
  return (
    <ConsolePage title="Overview" frame={frame} here="/console">
      <h1>What needs you today</h1>
      {wrong.length > 0 ? (
        <div class="notice danger" role="alert">
          <p>
            <strong>Not everything works:</strong> {wrong.map(({ name, detail }) => `${name} (${detail})`).join('; ')}.
            Run <code>muniment doctor</code>.
          </p>
        </div>
      ) : null}
      <div class="cards">
        <div class="card">
          <h2>Open requests</h2>
          <div class="figure">
            <a href="/console/requests">{open.length}</a>
          </div>
          <p class="small muted">
            {open[0]?.deadline.dueOn ? `The next is due ${open[0].deadline.dueOn}` : 'None is waiting for an answer'}
          </p>
        </div>
        <div class="card">
          <h2>Open demands</h2>
          <div class="figure">
            <a href="/console/demands">{openDemands.length}</a>
          </div>
          <p class="small muted">
            {openDemands.some(({ emergency }) => emergency) ? 'One is an emergency' : 'No emergency among them'}
          </p>
        </div>
        <div class="card">
          <h2>Holds in force</h2>
          <div class="figure">
            <a href="/console/holds">{active.length}</a>
          </div>
          <p class="small muted">
            {active
              .reduce((sum, hold) => sum + hold.coverage.reduce((all, { count }) => all + count, 0), 0)
              .toLocaleString('en')}{' '}
            records cannot be destroyed
          </p>
        </div>
        <div class="card">
          <h2>Last purge</h2>
          <div class="figure">
            <a href={lastRun ? `/console/retention/${lastRun.id}` : '/console/retention'}>
              {destroyed.toLocaleString('en')}
            </a>
          </div>
          <p class="small muted">
            {lastRun ? (
              <>
                destroyed <Time at={lastRun.plannedAt} zone={frame.zone} />
              </>
            ) : (
              'None has run yet'
            )}
          </p>
        </div>
      </div>
      <section class="stack-tight">
        <h2>Waiting for a second person</h2>
        <Table
          label="Waiting for a second person"
          rows={waiting}
          empty="Nothing waits for an approval."
          columns={[
            { head: 'What', cell: ({ what, href }) => <a href={href}>{what}</a> },
            { head: 'Prepared by', cell: ({ by }) => by },
          ]}
        />
      </section>
      <section class="stack-tight">
        <h2>Deadlines</h2>
        <Table
          label="Deadlines"
          rows={open.slice(0, 8)}
          empty={
            <>
              <p>
                <strong>No request is open.</strong>
              </p>
              <p>
                When somebody asks about their data, their deadline stands here. <a href="/">The public form</a> is
                where they begin.
              </p>
            </>
          }
          columns={[
            { head: 'Request', cell: (request) => <a href={`/console/requests/${request.id}`}>{request.reference}</a> },
            { head: 'Right', cell: ({ type }) => type.replaceAll('_', ' ') },
            { head: 'State', cell: ({ state }) => <State state={state} /> },
            {
              head: 'Deadline',
              cell: ({ deadline, receivedAt }) => <Deadline {...deadline} from={receivedAt} now={now} />,
            },
          ]}
        />
      </section>
      <div class="cards">
        <div class="card">
          <h2>Next bells</h2>
          {nextBells.map(({ rule, at }) => (
            <p class="small">
              <strong>{rule}</strong>: {at ? <Time at={at} zone={frame.zone} /> : 'rings in another process'}
            </p>
          ))}
        </div>
        <div class="card">
          <h2>Ledger</h2>
          {checkpoint ? (
            <p class="small">
              {checkpoint.size.toLocaleString('en')} entries, root <Hash value={checkpoint.root} />, signed{' '}
              <Time at={checkpoint.signedAt} zone={frame.zone} />
            </p>
          ) : (
            <p class="small">Nothing is recorded yet.</p>
          )}
        </div>
        <div class="card">
          <h2>Sources</h2>
          {health
            .filter(({ name }) => name.startsWith('source'))
            .map(({ name, ok, detail }) => (
              <p class="small">
                <Pill tone={ok ? 'ok' : 'danger'}>{name.replace('source ', '')}</Pill> {ok ? '' : detail}
              </p>
            ))}
        </div>
      </div>
    </ConsolePage>
  );
}
