import type { Refusal } from '../../core/refusal.ts';
import { type Custodian, reminderDays, remindersMost, timesReminded } from '../../disposition/custodian.ts';
import type { Hold } from '../../disposition/hold.ts';
import type { CustodianView } from '../../flows/custodians.ts';
import { errorFor, Field, Pill, PostForm, RefusalNotice, Table, Time, type Tone } from '../components/parts.tsx';
import { ConsolePage, type Frame } from '../layout.tsx';

const tones: Readonly<Record<Custodian['state'], Tone>> = { asked: 'warn', acknowledged: 'ok', released: 'quiet' };

const letterWords: Readonly<Record<string, string>> = {
  queued: 'on its way',
  sent: 'sent',
  kept: 'not sent: no mail server is configured',
  refused: 'refused by the mail server: reach them another way',
};

/** The custodians of a hold, and the form that asks more of them. */
export function CustodiansPage({
  frame,
  hold,
  custodians,
  values,
  refusal,
}: {
  readonly frame: Frame;
  readonly hold: Hold;
  readonly custodians: readonly CustodianView[];
  readonly values: Readonly<Record<string, string>>;
  readonly refusal: Refusal | null;
}) {
  const silent = custodians.filter(({ custodian }) => custodian.state === 'asked').length;
  const mayAsk = frame.may('holds.place') && hold.state !== 'released';
  return (
    <ConsolePage title={`Custodians of ${hold.matter.reveal()}`} frame={frame} here="/console/holds">
      <p class="crumb">
        <a href="/console/holds">Holds</a> / <a href={`/console/holds/${hold.id}`}>{hold.matter.reveal()}</a>
      </p>
      <h1>Custodians</h1>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      <p>
        {custodians.length === 0
          ? 'People outside this system who have, or could destroy, what the hold is about.'
          : silent === 0
            ? 'Everybody has answered.'
            : `${silent} of ${custodians.length} ${silent === 1 ? 'has' : 'have'} not confirmed yet.`}{' '}
        Whoever does not answer is reminded every {reminderDays} days, {remindersMost} times; then an alarm tells you.
      </p>
      <Table
        label="Custodians"
        rows={custodians}
        empty={
          <p>
            <strong>Nobody has been asked yet.</strong> The sources keep what they hold by themselves; a custodian keeps
            what no source has.
          </p>
        }
        columns={[
          {
            head: 'Who',
            cell: ({ custodian }) => (
              <>
                {custodian.name.reveal()}
                <div class="small muted">{custodian.email.reveal()}</div>
              </>
            ),
          },
          { head: 'State', cell: ({ custodian: { state } }) => <Pill tone={tones[state]}>{state}</Pill> },
          {
            head: 'Last letter',
            cell: ({ letter }) => (letter ? (letterWords[letter.state] ?? letter.state) : 'none'),
          },
          { head: 'History', cell: ({ custodian }) => <History custodian={custodian} zone={frame.zone} /> },
          {
            head: 'Now',
            cell: ({ custodian }) =>
              frame.may('holds.place') && custodian.state !== 'released' ? <Moves custodian={custodian} /> : 'nothing',
          },
        ]}
      />
      {mayAsk ? (
        <section class="card stack">
          <h2>Ask people to keep what they have</h2>
          <p>
            Each gets a letter that names the matter, with a link to confirm it once, without an account. Think of who
            may not know of the matter before you ask.
          </p>
          <PostForm action={`/console/holds/${hold.id}/custodians`}>
            <Field
              name="custodians"
              label="Who"
              hint="One a line: Ada Example, ada@example.com"
              error={errorFor(refusal, 'custodians')}
            >
              <textarea id="custodians" name="custodians" required>
                {values.custodians ?? ''}
              </textarea>
            </Field>
            <Field
              name="instructions"
              label="What they are to keep in particular (optional)"
              hint="It stands in the letter."
              error={errorFor(refusal, 'instructions')}
            >
              <textarea id="instructions" name="instructions" maxlength={5000}>
                {values.instructions ?? ''}
              </textarea>
            </Field>
            <button type="submit">Send the letters</button>
          </PostForm>
        </section>
      ) : null}
    </ConsolePage>
  );
}

function History({ custodian, zone }: { readonly custodian: Custodian; readonly zone: string }) {
  return (
    <div class="small">
      {custodian.history.map(({ at, what }) => (
        <div>
          {what} <Time at={at} zone={zone} />
        </div>
      ))}
    </div>
  );
}

function Moves({ custodian }: { readonly custodian: Custodian }) {
  const times = timesReminded(custodian);
  return (
    <div class="stack-tight">
      {custodian.state === 'asked' ? (
        <PostForm action={`/console/custodians/${custodian.id}/remind`}>
          <button type="submit" class="secondary">
            {times === 0 ? 'Remind' : 'Remind again'}
          </button>
        </PostForm>
      ) : null}
      <PostForm action={`/console/custodians/${custodian.id}/release`}>
        <button type="submit" class="secondary">
          Release
        </button>
      </PostForm>
    </div>
  );
}
