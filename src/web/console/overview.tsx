import type { Child } from 'hono/jsx';
import type { Overview } from '../../flows/read-overview.ts';
import { Deadline, dayInWords, Hash, Pill, State, Table, Time } from '../components/parts.tsx';
import { ConsolePage, type Frame } from '../layout.tsx';

export interface OverviewProps {
  readonly frame: Frame;
  readonly now: Temporal.Instant;
  readonly nextBells: readonly { readonly rule: string; readonly at: Temporal.Instant | null }[];
  readonly overview: Overview;
}

/** What needs me today: approvals and deadlines first, then figures. Each part only for who may see it. */
export function OverviewPage({ frame, now, nextBells, overview }: OverviewProps) {
  const { requests, waiting } = overview;
  return (
    <ConsolePage title="Overview" frame={frame} here="/console">
      <h1>What needs you today</h1>
      <Trouble health={overview.health} />
      {overview.alarms ? (
        <div class="notice warn">
          <p>
            <strong>{overview.alarms === 1 ? 'One alarm' : `${overview.alarms} alarms`} to look at.</strong>{' '}
            <a href="/console/alarms">See what and why</a>
          </p>
        </div>
      ) : null}
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
      {requests ? (
        <section class="stack-tight">
          <h2>Deadlines</h2>
          <Table
            label="Deadlines"
            rows={requests.slice(0, 8)}
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
              {
                head: 'Request',
                cell: (request) => (
                  <a class="reference" href={`/console/requests/${request.id}`}>
                    {request.reference}
                  </a>
                ),
              },
              { head: 'Right', cell: ({ type }) => type.replaceAll('_', ' ') },
              { head: 'State', cell: ({ state }) => <State state={state} /> },
              {
                head: 'Deadline',
                cell: ({ deadline, receivedAt }) => <Deadline {...deadline} from={receivedAt} now={now} />,
              },
            ]}
          />
        </section>
      ) : null}
      <Figures overview={overview} zone={frame.zone} />
      <div class="cards">
        <div class="card">
          <h2>Next bells</h2>
          {nextBells.map(({ rule, at }) => (
            <p class="small">
              <strong>{rule}</strong>: {at ? <Time at={at} zone={frame.zone} /> : 'rings in another process'}
            </p>
          ))}
        </div>
        {frame.may('ledger.read') ? <LedgerCard checkpoint={overview.checkpoint} zone={frame.zone} /> : null}
        <div class="card">
          <h2>Sources</h2>
          {overview.health
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

function Trouble({ health }: Pick<Overview, 'health'>) {
  const found = health.filter(({ ok }) => !ok);
  if (found.length === 0) return null;
  return (
    <div class="notice danger" role="alert">
      <p>
        <strong>
          {found.some(({ stopsWork }) => stopsWork) ? 'Not everything works.' : 'Something wants looking at.'}
        </strong>
      </p>
      <ul>
        {found.map(({ name, detail }) => (
          <li>
            {name}: {detail}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Figures({ overview, zone }: { readonly overview: Overview; readonly zone: string }) {
  const { requests, demands, holds, runs } = overview;
  const openDemands = (demands ?? []).filter(
    ({ state }) => !['answered', 'refused', 'withdrawn', 'closed'].includes(state),
  );
  const next = requests?.[0]?.deadline.dueOn;
  const heldRecords = (holds ?? []).flatMap(({ coverage }) => coverage).reduce((sum, { count }) => sum + count, 0);
  const last = runs?.last ?? null;
  return (
    <div class="cards">
      {requests ? (
        <Figure name="Open requests" href="/console/requests" value={requests.length}>
          {next ? `The next is due ${dayInWords(next)}` : 'None is waiting for an answer'}
        </Figure>
      ) : null}
      {demands ? (
        <Figure name="Open demands" href="/console/demands" value={openDemands.length}>
          {openDemands.some(({ emergency }) => emergency) ? 'One is an emergency' : 'No emergency among them'}
        </Figure>
      ) : null}
      {holds ? (
        <Figure name="Holds in force" href="/console/holds" value={holds.length}>
          {heldRecords.toLocaleString('en')} records cannot be destroyed
        </Figure>
      ) : null}
      {runs ? (
        <Figure
          name="Last purge"
          href={last ? `/console/retention/${last.id}` : '/console/retention'}
          value={last?.parts.reduce((sum, part) => sum + part.destroyed, 0) ?? 0}
        >
          {last ? (
            <>
              destroyed <Time at={last.plannedAt} zone={zone} />
            </>
          ) : (
            'None has run yet'
          )}
        </Figure>
      ) : null}
    </div>
  );
}

function Figure({
  name,
  href,
  value,
  children,
}: {
  readonly name: string;
  readonly href: string;
  readonly value: number;
  readonly children: Child;
}) {
  return (
    <div class="card">
      <h2>{name}</h2>
      <div class="figure">
        <a href={href}>{value.toLocaleString('en')}</a>
      </div>
      <p class="small muted">{children}</p>
    </div>
  );
}

function LedgerCard({ checkpoint, zone }: { readonly checkpoint: Overview['checkpoint']; readonly zone: string }) {
  return (
    <div class="card">
      <h2>Ledger</h2>
      {checkpoint ? (
        <p class="small">
          {checkpoint.size.toLocaleString('en')} entries, root <Hash value={checkpoint.root} />, signed{' '}
          <Time at={checkpoint.signedAt} zone={zone} />
        </p>
      ) : (
        <p class="small">Nothing is recorded yet.</p>
      )}
    </div>
  );
}
