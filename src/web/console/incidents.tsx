import type { Refusal } from '../../core/refusal.ts';
import {
  allowedIncidentMoves,
  groundsFor,
  type Incident,
  type IncidentItem,
  type IncidentMove,
  incidentMoves,
  incidentRisks,
  isClockRunning,
  isLate,
  lateReasonCodes,
  lateReasons,
  preparersOf,
  storyParts,
  type Waiver,
  waiverGrounds,
} from '../../incidents/incident.ts';
import {
  errorFor,
  Facts,
  Field,
  Pill,
  PostForm,
  RefusalNotice,
  State,
  Table,
  Time,
  type Tone,
  TwoPeople,
} from '../components/parts.tsx';
import { incidentMoveWords, Timeline } from '../components/timeline.tsx';
import { ConsolePage, type Frame } from '../layout.tsx';

const riskWords = { unassessed: 'not assessed', none: 'unlikely', risk: 'risk', high: 'high risk' } as const;
const riskTones: Readonly<Record<Incident['risk'], Tone>> = {
  unassessed: 'warn',
  none: 'ok',
  risk: 'warn',
  high: 'danger',
};

function Risk({ risk }: Pick<Incident, 'risk'>) {
  return <Pill tone={riskTones[risk]}>{riskWords[risk]}</Pill>;
}

/** The clock in words: hours while it runs, for days are too coarse for 72 hours. */
function clockWords(incident: Incident, now: Temporal.Instant): string {
  if (incident.authorityNotifiedAt !== null) return 'Authority told';
  if (!isClockRunning(incident)) return 'Authority need not be told';
  const minutes = Math.floor((incident.notifyBy.epochMilliseconds - now.epochMilliseconds) / 60_000);
  const late = isLate(incident, now);
  const [span, unit] =
    Math.abs(minutes) < 120 ? [Math.abs(minutes), 'minute'] : [Math.floor(Math.abs(minutes) / 60), 'hour'];
  return `${span} ${unit}${span === 1 ? '' : 's'} ${late ? 'late' : 'left'}`;
}

function Clock({
  incident,
  now,
  zone,
}: {
  readonly incident: Incident;
  readonly now: Temporal.Instant;
  readonly zone: string;
}) {
  if (!isClockRunning(incident)) return <span class="muted">{clockWords(incident, now)}</span>;
  const total = incident.notifyBy.epochMilliseconds - incident.awareAt.epochMilliseconds;
  const used = Math.min(1, (now.epochMilliseconds - incident.awareAt.epochMilliseconds) / Math.max(total, 1));
  const tone = isLate(incident, now) ? 'danger' : used > 2 / 3 ? 'warn' : 'ok';
  return (
    <div class="deadline">
      <span>
        Tell the authority by <Time at={incident.notifyBy} zone={zone} /> · {clockWords(incident, now)}
      </span>
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        <rect class="track" width="100" height="4" rx="2" />
        <rect class={`fill ${tone}`} width={String(Math.max(2, Math.round(used * 100)))} height="4" rx="2" />
      </svg>
    </div>
  );
}

export function IncidentsPage({
  frame,
  incidents,
  now,
}: {
  readonly frame: Frame;
  readonly incidents: readonly Incident[];
  readonly now: Temporal.Instant;
}) {
  return (
    <ConsolePage title="Incidents" frame={frame} here="/console/incidents">
      <div class="page-head">
        <h1>Incidents</h1>
        {frame.may('incidents.work') ? (
          <a class="button" href="/console/incidents/new">
            Record an incident
          </a>
        ) : null}
      </div>
      <Table
        label="Incidents"
        rows={incidents}
        empty={
          <>
            <p>
              <strong>No breach of personal data is recorded.</strong>
            </p>
            <p>
              Record one as soon as somebody is reasonably sure of it, with what is known: the 72 hours to tell the
              authority run from then, and the rest can follow.
            </p>
          </>
        }
        columns={[
          {
            head: 'Reference',
            cell: (incident) => (
              <a class="reference" href={`/console/incidents/${incident.id}`}>
                {incident.reference}
              </a>
            ),
          },
          { head: 'What', cell: (incident) => incident.story.reveal().title },
          { head: 'State', cell: ({ state }) => <State state={state} /> },
          { head: 'Risk', cell: ({ risk }) => <Risk risk={risk} /> },
          { head: 'Aware', cell: ({ awareAt }) => <Time at={awareAt} zone={frame.zone} /> },
          { head: 'Clock', cell: (incident) => <Clock incident={incident} now={now} zone={frame.zone} /> },
        ]}
      />
    </ConsolePage>
  );
}

const partWords = {
  title: { label: 'In a few words', hint: 'For the list here. It is sealed like everything else you write.' },
  nature: { label: 'What happened to the data', hint: 'Seen, taken, changed, lost or destroyed; how and when.' },
  consequences: { label: 'What it may mean for people', hint: '' },
  measures: { label: 'What was done, and what will be', hint: '' },
  advice: {
    label: 'What people can do to protect themselves',
    hint: 'In plain words; it stands in the letter to them.',
  },
} as const;

function StoryFields({
  values,
  refusal,
}: {
  readonly values: Readonly<Record<string, string>>;
  readonly refusal: Refusal | null;
}) {
  return (
    <>
      {storyParts.map((part) => (
        <Field
          name={part}
          label={partWords[part].label}
          {...(partWords[part].hint ? { hint: partWords[part].hint } : {})}
          error={errorFor(refusal, part)}
        >
          {part === 'title' ? (
            <input id={part} name={part} type="text" required maxlength={200} value={values[part] ?? ''} />
          ) : (
            <textarea id={part} name={part} maxlength={5000}>
              {values[part] ?? ''}
            </textarea>
          )}
        </Field>
      ))}
    </>
  );
}

/** Whom and what it concerns, as far as is known. */
function AffectedFields({
  values,
  refusal,
  datasets,
}: {
  readonly values: Readonly<Record<string, string>>;
  readonly refusal: Refusal | null;
  readonly datasets: readonly string[];
}) {
  return (
    <fieldset class="stack">
      <legend>Whom and what it concerns</legend>
      <Field
        name="emails"
        label="People, by e-mail address"
        hint="One a line. Leave it empty if it is everybody in the datasets below."
        error={errorFor(refusal, 'emails')}
      >
        <textarea id="emails" name="emails">
          {values.emails ?? ''}
        </textarea>
      </Field>
      <Field
        name="datasets"
        label="Datasets"
        hint={`With commas: ${datasets.join(', ')}`}
        error={errorFor(refusal, 'datasets')}
      >
        <input id="datasets" name="datasets" type="text" value={values.datasets ?? ''} />
      </Field>
      <div class="row">
        <Field name="from" label="From (day)" error={errorFor(refusal, 'from')}>
          <input id="from" name="from" type="date" value={values.from ?? ''} />
        </Field>
        <Field name="to" label="To (day, included)" error={errorFor(refusal, 'to')}>
          <input id="to" name="to" type="date" value={values.to ?? ''} />
        </Field>
      </div>
      <Field
        name="people"
        label="About how many people (optional)"
        hint="Where you know better than the data map can count."
        error={errorFor(refusal, 'people')}
      >
        <input
          id="people"
          name="people"
          type="text"
          inputmode="numeric"
          pattern="[0-9]*"
          maxlength={10}
          value={values.people ?? ''}
        />
      </Field>
    </fieldset>
  );
}

export function NewIncidentPage({
  frame,
  values,
  refusal,
  datasets,
}: {
  readonly frame: Frame;
  readonly values: Readonly<Record<string, string>>;
  readonly refusal: Refusal | null;
  readonly datasets: readonly string[];
}) {
  return (
    <ConsolePage title="Record an incident" frame={frame} here="/console/incidents">
      <p class="crumb">
        <a href="/console/incidents">Incidents</a>
      </p>
      <h1>Record an incident</h1>
      <p>
        Only the name and the time are needed now. What you write is sealed; the ledger holds the times, codes and
        counts.
      </p>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      <PostForm action="/console/incidents/new">
        <Field
          name="awareAt"
          label="Since when is somebody reasonably sure of it?"
          hint={`The 72 hours run from here. Time in ${frame.zone}.`}
          error={errorFor(refusal, 'awareAt')}
        >
          <input id="awareAt" name="awareAt" type="datetime-local" required value={values.awareAt ?? ''} />
        </Field>
        <StoryFields values={values} refusal={refusal} />
        <AffectedFields values={values} refusal={refusal} datasets={datasets} />
        <button type="submit">Record it and start the clock</button>
      </PostForm>
    </ConsolePage>
  );
}

export interface IncidentPageProps {
  /** "communication.content" as the notices say it. */
  readonly categoryInWords: (category: string) => string;
  readonly frame: Frame;
  readonly incident: Incident;
  readonly clocks: readonly {
    readonly rule: string;
    readonly version: string;
    readonly dueAt: Temporal.Instant | null;
    readonly steps: readonly { readonly at: string; readonly what: string; readonly citation: string }[];
  }[];
  readonly notices: { readonly authority: string; readonly persons: string };
  readonly datasets: readonly string[];
  readonly names: ReadonlyMap<string, string>;
  readonly now: Temporal.Instant;
  readonly refusal: Refusal | null;
}

/** One incident: clock and facts, what it reaches, the notices, how it got here, what can be done now. */
export function IncidentPage(props: IncidentPageProps) {
  const { frame, incident, clocks, notices, names, now, refusal } = props;
  const { title, ...story } = incident.story.reveal();
  const scope = incident.scope.reveal();
  return (
    <ConsolePage title={incident.reference} frame={frame} here="/console/incidents">
      <p class="crumb">
        <a href="/console/incidents">Incidents</a>
      </p>
      <div class="page-head">
        <h1>
          {incident.reference}: {title}
        </h1>
        <State state={incident.state} />
      </div>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      <div class="case">
        <div class="stack">
          <section class="card" aria-label="Facts">
            <Clock incident={incident} now={now} zone={frame.zone} />
            <details>
              <summary>How this time comes about</summary>
              {clocks.map(({ rule, version, steps }) => (
                <div class="stack-tight">
                  <h3>
                    {rule} <span class="muted small">version {version}</span>
                  </h3>
                  <ol class="steps small">
                    {steps.map(({ at, what, citation }) => (
                      <li>
                        <span class="mono">{at}</span> {what}
                        {citation ? <span class="muted"> ({citation})</span> : null}
                      </li>
                    ))}
                  </ol>
                </div>
              ))}
            </details>
            <Facts
              rows={[
                ['Risk to people', <Risk risk={incident.risk} />],
                ['Aware since', <Time at={incident.awareAt} zone={frame.zone} />],
                ['Authority to be told by', <Time at={incident.notifyBy} zone={frame.zone} />],
                [
                  'Authority told',
                  incident.authorityNotifiedAt ? <Time at={incident.authorityNotifiedAt} zone={frame.zone} /> : 'no',
                ],
                [
                  'People told',
                  incident.personsNotifiedAt ? <Time at={incident.personsNotifiedAt} zone={frame.zone} /> : 'no',
                ],
                ['What happened', story.nature || 'not written yet'],
                ['What it may mean', story.consequences || 'not written yet'],
                ['What was done', story.measures || 'not written yet'],
                ['What people can do', story.advice || 'not written yet'],
                ['People named', scope.subjects.map(({ value }) => value).join(', ') || 'none'],
              ]}
            />
          </section>
          <Reach incident={incident} zone={frame.zone} categoryInWords={props.categoryInWords} />
          <section class="stack-tight">
            <h2>The notices</h2>
            <p class="small">Filled from what is written here. Copy them from here: nothing is sent by itself.</p>
            <details>
              <summary>To the authority (GDPR art. 33(3))</summary>
              <pre>{notices.authority}</pre>
            </details>
            <details>
              <summary>To the people concerned (GDPR art. 34(2))</summary>
              <pre>{notices.persons}</pre>
            </details>
          </section>
          <section class="stack-tight">
            <h2>How it got here</h2>
            <Timeline
              history={incident.history.map(withCodes)}
              words={incidentMoveWords}
              names={names}
              zone={frame.zone}
            />
          </section>
          <LedgerRange incident={incident} frame={frame} />
        </div>
        <aside class="card moves" aria-label="What can be done now">
          <h2>What can be done now</h2>
          <Moves {...props} />
        </aside>
      </div>
    </ConsolePage>
  );
}

/** The codes of a step in words, before what was noted. */
function withCodes(item: IncidentItem): IncidentItem {
  const codes = [
    item.risk ? `Risk: ${riskWords[item.risk]}` : '',
    item.ground ? `Because ${waiverGrounds[item.ground].words} (${waiverGrounds[item.ground].citation})` : '',
    item.reason ? `Late, because ${lateReasons[item.reason]}` : '',
    item.note ?? '',
  ].filter((part) => part !== '');
  return { ...item, note: codes.length > 0 ? codes.join('. ') : null };
}

function Reach({
  incident,
  zone,
  categoryInWords,
}: Pick<IncidentPageProps, 'incident' | 'categoryInWords'> & { readonly zone: string }) {
  const { counts } = incident;
  const shown = (count: number | null) => (count === null ? 'not counted' : count.toLocaleString('en'));
  if (!counts)
    return (
      <section class="stack-tight">
        <h2>What it reaches</h2>
        <div class="empty">
          Nobody has said yet whom or what it concerns. Name people or datasets under “Count again”, and the data map
          counts.
        </div>
      </section>
    );
  return (
    <section class="stack-tight">
      <h2>What it reaches</h2>
      <div class="card">
        <div class="figure">{counts.people === null ? 'Not known' : `about ${counts.people.toLocaleString('en')}`}</div>
        <p class="small muted">
          {counts.people === 1 ? 'person' : 'people'}, counted <Time at={counts.countedAt} zone={zone} />
        </p>
      </div>
      <Table
        label="By category of data"
        rows={counts.categories.filter(({ count }) => count !== 0)}
        empty="No record it reaches holds data of a category."
        columns={[
          { head: 'Category of data', cell: ({ category }) => categoryInWords(category) },
          { head: 'Records', number: true, cell: ({ count }) => shown(count) },
        ]}
      />
      <Table
        label="By dataset"
        rows={counts.datasets.filter(({ count }) => count !== 0)}
        empty="No dataset holds anything it matches."
        columns={[
          { head: 'Dataset', cell: ({ dataset }) => <code>{dataset}</code> },
          { head: 'Records', number: true, cell: ({ count }) => shown(count) },
        ]}
      />
    </section>
  );
}

function LedgerRange({ incident, frame }: { readonly incident: Incident; readonly frame: Frame }) {
  const local = (at: Temporal.Instant) =>
    at.toZonedDateTimeISO(frame.zone).toPlainDateTime().toString({ smallestUnit: 'minute' });
  return (
    <section class="stack-tight">
      <h2>The record of it</h2>
      <form method="get" action={`/console/incidents/${incident.id}/ledger`} class="stack">
        <p class="small">
          {frame.may('ledger.read') ? 'Every ledger entry of the time' : 'The ledger entries of this incident'}, one a
          line, each with the proof that it stands under the checkpoint in the first line. Anybody can check it without
          us.
        </p>
        <div class="row">
          <Field name="ledger-from" label="From">
            <input id="ledger-from" name="from" type="datetime-local" value={local(incident.awareAt)} />
          </Field>
          <Field name="ledger-to" label="To (empty: until now)">
            <input id="ledger-to" name="to" type="datetime-local" />
          </Field>
        </div>
        <button type="submit" class="secondary">
          Download the entries
        </button>
      </form>
    </section>
  );
}

function Moves({ frame, incident, datasets, now, refusal }: IncidentPageProps) {
  const open = allowedIncidentMoves(incident).filter((move) => frame.may(incidentMoves[move].needs));
  const can = (move: IncidentMove) => open.includes(move);
  const action = (move: IncidentMove) => `/console/incidents/${incident.id}/${move}`;
  const note = (move: IncidentMove, label: string) => (
    <Field name={`note-${move}`} label={label}>
      <input id={`note-${move}`} name="note" type="text" maxlength={500} />
    </Field>
  );
  if (open.length === 0) return <p>Nothing that your role may do.</p>;
  const isPreparer = Object.values(preparersOf(incident)).includes(frame.session.person.id);
  const waiver = (move: Waiver, words: string) =>
    isPreparer ? (
      <p class="small">
        That {move === 'waive_authority' ? 'the authority' : 'they'} need not be told is for somebody else to decide:
        you recorded it or assessed its risk.
      </p>
    ) : (
      <a class="button secondary" href={action(move)}>
        {words}
      </a>
    );
  const late = isLate(incident, now);
  const time = (move: IncidentMove) => (
    <Field
      name={`notifiedAt-${move}`}
      label="When"
      hint={`Empty: now. Time in ${frame.zone}.`}
      error={errorFor(refusal, 'notifiedAt')}
    >
      <input id={`notifiedAt-${move}`} name="notifiedAt" type="datetime-local" />
    </Field>
  );
  return (
    <>
      {can('assess') ? (
        <PostForm action={action('assess')}>
          <Field name="risk" label="How likely is a risk to people’s rights?">
            <select id="risk" name="risk" required>
              {incident.risk === 'unassessed' ? <option value="">Choose</option> : null}
              {incidentRisks.map((risk) => (
                <option value={risk} selected={incident.risk === risk}>
                  {riskWords[risk]}
                </option>
              ))}
            </select>
          </Field>
          {note('assess', 'Why (optional)')}
          <button type="submit" class={incident.state === 'open' ? '' : 'secondary'}>
            {incident.state === 'open' ? 'Assess the risk' : 'Assess it anew'}
          </button>
        </PostForm>
      ) : null}
      {can('notify_authority') ? (
        <PostForm action={action('notify_authority')}>
          {time('notify_authority')}
          {late ? (
            <Field
              name="reason"
              label="Why it is late"
              hint="The law asks for the reasons of a late notice."
              error={errorFor(refusal, 'reason')}
            >
              <select id="reason" name="reason">
                <option value="">Choose</option>
                {lateReasonCodes.map((code) => (
                  <option value={code}>Because {lateReasons[code]}</option>
                ))}
              </select>
            </Field>
          ) : null}
          {note('notify_authority', 'Their file number (optional)')}
          <button type="submit">The authority was told</button>
        </PostForm>
      ) : null}
      {can('waive_authority') ? waiver('waive_authority', 'The authority need not be told') : null}
      {can('notify_persons') ? (
        <PostForm action={action('notify_persons')}>
          {time('notify_persons')}
          {note('notify_persons', 'How they were told (optional)')}
          <button type="submit">The people were told</button>
        </PostForm>
      ) : null}
      {can('waive_persons') ? waiver('waive_persons', 'They need not be told') : null}
      {can('close') ? (
        <PostForm action={action('close')}>
          {note('close', 'What was learned (optional)')}
          <button type="submit">Close it</button>
        </PostForm>
      ) : null}
      {can('describe') ? (
        <PostForm action={action('describe')}>
          <details>
            <summary>Describe it further</summary>
            <div class="stack">
              <StoryFields values={{ ...incident.story.reveal() }} refusal={refusal} />
              <button type="submit" class="secondary">
                Keep this description
              </button>
            </div>
          </details>
        </PostForm>
      ) : null}
      {can('count') ? (
        <PostForm action={action('count')}>
          <details>
            <summary>Count again</summary>
            <div class="stack">
              <AffectedFields values={affectedValues(incident)} refusal={refusal} datasets={datasets} />
              <button type="submit" class="secondary">
                Count
              </button>
            </div>
          </details>
        </PostForm>
      ) : null}
      {can('reopen') ? (
        <PostForm action={action('reopen')}>
          <details>
            <summary>Something new is known</summary>
            <div class="stack">
              {note('reopen', 'What (optional)')}
              <button type="submit" class="secondary">
                Open it again
              </button>
            </div>
          </details>
        </PostForm>
      ) : null}
    </>
  );
}

function affectedValues({ scope }: Incident): Readonly<Record<string, string>> {
  const { subjects, datasets, from, to } = scope.reveal();
  return {
    emails: subjects.map(({ value }) => value).join('\n'),
    datasets: datasets.join(', '),
    from: from?.slice(0, 10) ?? '',
    to: to?.slice(0, 10) ?? '',
  };
}

/** The page before somebody decides that nobody need be told: who asks, who decides, on which ground. */
export function WaiverPage({
  frame,
  incident,
  move,
  names,
  refusal,
}: {
  readonly frame: Frame;
  readonly incident: Incident;
  readonly move: Waiver;
  readonly names: ReadonlyMap<string, string>;
  readonly refusal: Refusal | null;
}) {
  const back = `/console/incidents/${incident.id}`;
  const title = move === 'waive_authority' ? 'The authority need not be told' : 'The people need not be told';
  const grounds = groundsFor(incident, move);
  const nameOf = (id: string) => names.get(id) ?? id;
  const { opener, assessor } = preparersOf(incident);
  const people = incident.counts?.people ?? null;
  return (
    <ConsolePage title={title} frame={frame} here="/console/incidents">
      <p class="crumb">
        <a href={back}>{incident.reference}</a>
      </p>
      <h1>{title}</h1>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      <section class="card">
        <Facts
          rows={[
            ['Incident', incident.story.reveal().title],
            ['Risk to people', <Risk risk={incident.risk} />],
            ['People concerned', people === null ? 'not known' : `about ${people.toLocaleString('en')}`],
            ['Recorded by', nameOf(opener)],
            ['Risk assessed by', nameOf(assessor)],
          ]}
        />
      </section>
      <div class="card stack">
        <TwoPeople preparer={nameOf(assessor)} approver={null} />
        <p>
          Neither who recorded the incident nor who assessed its risk can decide this. The ground is written into the
          ledger for good; it can be opened again when something new is known.
        </p>
        {grounds.length === 0 ? (
          <p>
            <strong>No ground is open while the risk is assessed as it is.</strong> Give the notice, or assess the risk
            anew.
          </p>
        ) : (
          <PostForm action={`${back}/${move}`}>
            <Field name="ground" label="On which ground?" error={errorFor(refusal, 'ground')}>
              <select id="ground" name="ground">
                {grounds.map((code) => (
                  <option value={code}>
                    Because {waiverGrounds[code].words} ({waiverGrounds[code].citation})
                  </option>
                ))}
              </select>
            </Field>
            <Field name="note" label="In your words (optional)">
              <textarea id="note" name="note" maxlength={2000} />
            </Field>
            <button type="submit">
              {move === 'waive_authority' ? 'Decide: no notice to the authority' : 'Decide: no notice to the people'}
            </button>
          </PostForm>
        )}
        <p>
          <a href={back}>Back without deciding</a>
        </p>
      </div>
    </ConsolePage>
  );
}
