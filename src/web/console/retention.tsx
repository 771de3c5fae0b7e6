import { toHex } from '../../core/hash.ts';
import { formatInstant } from '../../core/instants.ts';
import type { Refusal } from '../../core/refusal.ts';
import type { BatchRecord } from '../../disposition/batch.ts';
import { allowedRunMoves, goingOf, progressOfRun, type Run, type RunPart } from '../../disposition/run.ts';
import type { Forecast } from '../../flows/forecast-runs.ts';
import { keepAsWritten } from '../../policy/keep.ts';
import type { Retention } from '../../policy/retention.ts';
import { Facts, Hash, PostForm, RefusalNotice, State, Table, Time, TwoPeople } from '../components/parts.tsx';
import { ConsolePage, type Frame } from '../layout.tsx';
import { conditionsInWords, keepInWords } from '../portal/public.tsx';

const sum = (run: Run, of: (part: RunPart) => number) => run.parts.reduce((total, part) => total + of(part), 0);

export interface RetentionConsoleProps {
  readonly frame: Frame;
  readonly retention: Retention;
  readonly nextBell: (rule: string) => Temporal.Instant | null;
  readonly runs: readonly Run[];
  readonly refusal: Refusal | null;
}

/** The rules with their bells, and what went. */
export function RetentionConsolePage({ frame, retention, nextBell, runs, refusal }: RetentionConsoleProps) {
  return (
    <ConsolePage title="Retention" frame={frame} here="/console/retention">
      <h1>Retention</h1>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      <section class="stack-tight">
        <h2>Rules</h2>
        <Table
          label="Rules"
          rows={Object.values(retention)}
          empty="The policy has no rule."
          columns={[
            { head: 'Rule', cell: ({ title, id }) => `${title} (${id})` },
            { head: 'Kept', cell: ({ keep }) => `${keepInWords(keep)} (${keepAsWritten(keep)})` },
            { head: 'Then', cell: ({ dispose, keep }) => (keep.period === null ? 'never' : whatThen[dispose]) },
            {
              head: 'Records',
              cell: (rule) =>
                [rule.datasets.join(', '), ...conditionsInWords(rule).map((condition) => `where ${condition}`)].join(
                  ' ',
                ),
            },
            {
              head: 'Next bell',
              cell: ({ id, schedule }) => {
                const at = nextBell(id);
                return at ? <Time at={at} zone={frame.zone} /> : (schedule ?? 'none: it only keeps');
              },
            },
          ]}
        />
        <div class="row">
          <PostForm action="/console/retention/runs">
            <input type="hidden" name="dryRun" value="true" />
            <button type="submit">See what would go today</button>
          </PostForm>
          <a class="button secondary" href="/console/retention/forecast">
            What is coming
          </a>
        </div>
      </section>
      <section class="stack-tight">
        <h2>Purge log</h2>
        <Table
          label="Runs"
          rows={runs}
          empty={
            <>
              <p>
                <strong>Nothing has been purged yet.</strong>
              </p>
              <p>Each rule rings by itself at its time. What went, what was spared, and why, stands here afterwards.</p>
            </>
          }
          columns={[
            {
              head: 'Planned',
              cell: (run) => (
                <a href={`/console/retention/${run.id}`}>{<Time at={run.plannedAt} zone={frame.zone} />}</a>
              ),
            },
            { head: 'Rules', cell: (run) => [...new Set(run.parts.map(({ rule }) => rule))].join(', ') },
            { head: 'State', cell: (run) => <State state={run.dryRun ? 'planned' : run.state} /> },
            { head: 'Due', number: true, cell: (run) => sum(run, ({ due }) => due).toLocaleString('en') },
            { head: 'Spared', number: true, cell: (run) => sum(run, ({ held }) => held).toLocaleString('en') },
            {
              head: 'Destroyed',
              number: true,
              cell: (run) => (run.dryRun ? 'dry run' : doneInWords(run)),
            },
          ]}
        />
      </section>
    </ConsolePage>
  );
}

/** What each rule would take, by when. */
export function ForecastPage({ frame, forecasts }: { readonly frame: Frame; readonly forecasts: readonly Forecast[] }) {
  const count = (of: keyof NonNullable<Forecast['going']>) => ({
    number: true,
    cell: ({ going, act }: Forecast) =>
      going === null ? 'not counted' : `${going[of].toLocaleString('en')}${act === 'mask' ? ' masked' : ''}`,
  });
  return (
    <ConsolePage title="What is coming" frame={frame} here="/console/retention">
      <p class="crumb">
        <a href="/console/retention">Retention</a>
      </p>
      <h1>What is coming</h1>
      <p class="lead">
        What each rule would destroy or mask, counted just now: if nothing is written or held in the meantime. Nothing
        was changed.
      </p>
      <Table
        label="What each rule would take"
        rows={forecasts}
        empty="No rule destroys anything."
        columns={[
          {
            head: 'Rule',
            cell: ({ title, dataset, problem }) => (
              <>
                {title}
                <div class="small muted">
                  <code>{dataset}</code>
                </div>
                {problem ? <div class="small">{problem}</div> : null}
              </>
            ),
          },
          { head: 'Today', ...count('today') },
          { head: 'By tomorrow', ...count('tomorrow') },
          { head: 'By the end of the month', ...count('thisMonth') },
          { head: 'Spared by holds today', number: true, cell: ({ held }) => held.toLocaleString('en') },
        ]}
      />
    </ConsolePage>
  );
}

/** "1,204", "1,204, 300 masked", "300 masked". */
function doneInWords(run: Run): string {
  const of = (act: RunPart['act']) => sum(run, (part) => (part.act === act ? part.destroyed : 0));
  const [destroyed, masked] = [of('destroy').toLocaleString('en'), of('mask').toLocaleString('en')];
  if (masked === '0') return destroyed;
  return destroyed === '0' ? `${masked} masked` : `${destroyed}, ${masked} masked`;
}

/** What becomes of a record when its time is up. */
const whatThen = { destroy: 'destroyed', mask: 'masked', retain: 'left to other rules' } as const;

const reasons: Readonly<Record<string, string>> = {
  rule_changed: 'the rule has never run to its end as it now stands',
  cap_share: 'it would destroy more than its cap of the dataset',
  cap_usual: 'it would destroy far more than usual',
};

/** How far a run is, and what holds it back. */
function ProgressNote({
  frame,
  run,
  batches,
  pace,
}: {
  readonly frame: Frame;
  readonly run: Run;
  readonly batches: readonly BatchRecord[];
  readonly pace: readonly string[];
}) {
  const { planned, gone, endsAt } = progressOfRun(run, batches);
  return (
    <div class="notice" role="status">
      <p>
        <strong>
          {gone.toLocaleString('en')} of about {planned.toLocaleString('en')} records are done.
        </strong>{' '}
        {endsAt ? (
          <>
            At the pace of the last batches it ends about <Time at={endsAt} zone={frame.zone} />.
          </>
        ) : (
          'It is too early to say when it ends.'
        )}
      </p>
      <progress value={Math.min(gone, planned)} max={Math.max(1, planned)} aria-label="Records done" />
      {pace.map((words) => (
        <p class="small muted">{words}</p>
      ))}
    </div>
  );
}

/** One run: its counts, its cutoffs, its log, its certificate. */
export function RunPage({
  frame,
  run,
  batches,
  names,
  matters,
  pace,
  refusal,
}: {
  readonly frame: Frame;
  readonly run: Run;
  readonly batches: readonly BatchRecord[];
  readonly names: ReadonlyMap<string, string>;
  readonly matters: ReadonlyMap<string, string>;
  readonly pace: readonly string[];
  readonly refusal: Refusal | null;
}) {
  const can = allowedRunMoves(run);
  const nameOf = (id: string) => names.get(id) ?? id;
  const going = sum(run, goingOf);
  return (
    <ConsolePage title="Disposition run" frame={frame} here="/console/retention">
      <p class="crumb">
        <a href="/console/retention">Retention</a>
      </p>
      <div class="page-head">
        <h1>{run.dryRun ? 'What would go' : 'Disposition run'}</h1>
        <State state={run.state} />
      </div>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      {run.refusal ? (
        <div class="notice danger" role="alert">
          <p>
            <strong>{run.refusal.detail}</strong>
          </p>
        </div>
      ) : null}
      <div class="case">
        <div class="stack">
          {run.state === 'running' ? <ProgressNote frame={frame} run={run} batches={batches} pace={pace} /> : null}
          <section class="stack-tight">
            <h2>By dataset</h2>
            <Table
              label="Datasets of the run"
              rows={run.parts}
              empty="The run has no dataset."
              columns={[
                {
                  head: 'Dataset',
                  cell: ({ dataset, rule }) => (
                    <>
                      <code>{dataset}</code>
                      <div class="small muted">by rule {rule}</div>
                    </>
                  ),
                },
                {
                  head: 'Older than',
                  cell: ({ rule }) => {
                    const cutoff = run.cutoffs[rule];
                    return cutoff ? <Time at={cutoff} zone={frame.zone} /> : '';
                  },
                },
                { head: 'Due', number: true, cell: ({ due }) => due.toLocaleString('en') },
                {
                  head: 'Held',
                  number: true,
                  cell: ({ held, heldBy }) => (
                    <>
                      {held.toLocaleString('en')}
                      {Object.entries(heldBy).map(([hold, count]) => (
                        <div class="small muted">
                          {count} by <a href={`/console/holds/${hold}`}>{matters.get(hold) ?? hold}</a>
                        </div>
                      ))}
                    </>
                  ),
                },
                { head: 'Restricted', number: true, cell: ({ restricted }) => restricted.toLocaleString('en') },
                {
                  head: run.dryRun ? 'Would go' : 'Destroyed',
                  number: true,
                  cell: (part) =>
                    `${(run.dryRun ? goingOf(part) : part.destroyed).toLocaleString('en')}${part.act === 'mask' ? ' masked' : ''}`,
                },
                {
                  head: 'State',
                  cell: (part) =>
                    part.refusal ? (
                      `${part.state}: ${part.refusal.detail}`
                    ) : (
                      <State state={run.dryRun ? 'planned' : part.state} />
                    ),
                },
              ]}
            />
          </section>
          {run.dryRun ? null : (
            <section class="stack-tight">
              <h2>Purge log</h2>
              <p class="small muted">
                A batch counts every row that went: the records that were due and what hung on them, such as the
                attachments of a message.
              </p>
              <Table
                label="Batches"
                rows={batches.slice(0, 500)}
                empty="No batch was destroyed."
                columns={[
                  { head: 'Batch', cell: ({ dataset, seq }) => `${dataset} ${seq}` },
                  { head: 'Rows', number: true, cell: ({ count }) => count.toLocaleString('en') },
                  { head: 'Merkle root', cell: ({ root }) => <Hash value={toHex(root)} /> },
                  { head: 'Hold epoch', number: true, cell: ({ epoch }) => String(epoch) },
                  {
                    head: 'Recorded',
                    cell: ({ way }) => (way === 'source' ? 'with the destruction' : 'by intent and confirmation'),
                  },
                  { head: 'When', cell: ({ destroyedAt }) => <Time at={destroyedAt} zone={frame.zone} /> },
                ]}
              />
            </section>
          )}
        </div>
        <aside class="card moves">
          <Facts
            rows={[
              ['Planned', <Time at={run.plannedAt} zone={frame.zone} />],
              ['Started by', nameOf(run.startedBy)],
              ...(run.finishedAt ? ([['Finished', <Time at={run.finishedAt} zone={frame.zone} />]] as const) : []),
              ['Policy', <Hash value={run.policy} />],
            ]}
          />
          {run.state === 'awaiting_approval' ? (
            <>
              <p>
                It waits because{' '}
                {run.approvalReasons.map((reason) => reasons[reason.split(':')[0] ?? ''] ?? reason).join('; ')}.
              </p>
              <TwoPeople preparer={nameOf(run.startedBy)} approver={null} />
            </>
          ) : null}
          {run.dryRun && run.state === 'planned' && going > 0 ? (
            <PostForm action="/console/retention/runs">
              <p>
                Nothing was destroyed. A run now counts again and destroys what is due and not held, about{' '}
                {going.toLocaleString('en')} records; if that is more than usual, a second person is asked first. This
                cannot be undone.
              </p>
              <button type="submit" class="danger">
                Run every rule now
              </button>
            </PostForm>
          ) : null}
          {can.includes('approve') ? (
            <a class="button" href={`/console/retention/${run.id}/approve`}>
              Review the destruction of {going.toLocaleString('en')} records
            </a>
          ) : null}
          {(['pause', 'resume', 'cancel'] as const)
            .filter((move) => can.includes(move) && !run.dryRun)
            .map((move) => (
              <PostForm action={`/console/retention/${run.id}/${move}`}>
                <button type="submit" class="secondary">
                  {move === 'cancel' ? 'Cancel what is left' : move === 'pause' ? 'Pause' : 'Go on'}
                </button>
              </PostForm>
            ))}
          {run.certificate ? (
            <div class="stack-tight">
              <h2>Certificate of disposition</h2>
              <p class="small">
                Root <Hash value={run.certificate.root} />
              </p>
              <a class="button secondary" href={`/console/retention/${run.id}/certificate.pdf`}>
                PDF
              </a>{' '}
              <a class="button secondary" href={`/console/retention/${run.id}/certificate.json`}>
                JSON, signed
              </a>
            </div>
          ) : null}
          <p class="small muted">
            Run <code>{run.id}</code>
            <br />
            {formatInstant(run.plannedAt)}
          </p>
        </aside>
      </div>
    </ConsolePage>
  );
}
